"""Settings: one frozen tree; unknown names are refused. `wiring.environment` reads it, once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from core.rates import Rate


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiSettings(_Section):
    host: str = Field("127.0.0.1", description="Address that the API listens on")
    port: int = Field(0, ge=0, le=65_535, description="Port of the API; 0 picks a free one")
    processes: int = Field(1, ge=1, le=64, description="API processes of a stack; they share the port")
    max_body_bytes: int = Field(512 * 1024, ge=1024, description="Largest request body")
    max_concurrent_requests: int = Field(
        512, ge=1, description="Requests under way at once; further ones are told to come again"
    )
    feed_deadline_ms: int = Field(1_500, ge=50, description="Time after which a feed request gives up")
    fan_in: int = Field(16, ge=1, description="Timelines that ask the store for their tweets at once")
    last_pages_mb: int = Field(
        32, ge=0, description="Memory for the pages served last, shown when all else is away"
    )
    last_page_s: int = Field(
        300, ge=0, description="Age in seconds at which such a page is not shown any more"
    )


class LimitsSettings(_Section):
    post: str = Field("300/3h", description="Tweets a user")
    engage: str = Field("600/15m", description="Likes, blocks, mutes, their ends, and deletions a user")
    follow: str = Field("300/15m", description="Follows and unfollows a user")
    profile: str = Field("30/1h", description="Profiles made or changed a user")
    refresh: str = Field("12/1m", description="Feeds with `refresh=1` a user")
    read: str = Field("1200/1m", description="Reads a user in each API process")
    report: str = Field("5000/1m", description="Client events a user in each API process, 500 at least")

    @field_validator("*")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        Rate.parse(text)
        return text

    @field_validator("report")
    @classmethod
    def _admits_a_full_batch(cls, text: str) -> str:
        rate = Rate.parse(text)
        if rate is not None and rate.count < 500:
            raise ValueError("must admit one full request: at least 500")
        return text


class FollowsSettings(_Section):
    new: int = Field(1_000, ge=1, description="Users that a new account may follow")
    new_hours: int = Field(24, ge=0, description="Hours for which an account is new")
    free: int = Field(2_000, ge=1, description="Users whom anybody may follow, whoever follows back")
    percent: int = Field(
        10, ge=0, le=100, description="Followers, in percent of followees, that are needed beyond"
    )
    most: int = Field(5_000, ge=1, description="Users that anybody may follow")


class RedisSettings(_Section):
    url: SecretStr | None = Field(
        None,
        description="A Redis of yours, or nodes of a Cluster, by commas; without it one is started",
    )
    cluster: bool = Field(False, description="Whether the URL is that of a Redis Cluster")
    port: int = Field(0, ge=0, le=65_535, description="Port of the Redis that is started; 0 picks a free one")
    timeout_ms: int = Field(250, ge=10, description="Time after which Redis, or one node, counts as away")
    tls_ca: Path | None = Field(
        None, description="PEM file of the authorities that sign Redis; for rediss://"
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of our certificate, if Redis asks for one"
    )
    tls_key: Path | None = Field(None, description="PEM file of our certificate's key")

    @field_validator("url")
    @classmethod
    def _is_a_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        for one in [] if url is None else url.get_secret_value().split(","):
            if not one.strip().startswith(("redis://", "rediss://", "unix://")):
                raise ValueError("must begin with redis://, rediss:// or unix://")
        return url


class AuthSettings(_Section):
    audience: str = Field("rankfeed", min_length=1, description="The `aud` that tokens must carry")
    jwks: Path | None = Field(None, description="File with your issuer's public keys (JWKS)")


class RankingSettings(_Section):
    candidates: int = Field(
        200, ge=1, le=800, description="Tweets that are ranked: the timeline's newest, and popular ones"
    )
    popular_share: float = Field(
        0.25,
        ge=0.0,
        le=0.9,
        description="Share of them that may be popular ones, more where the timeline is short; 0 for none",
    )
    scored_share: float = Field(
        0.01, ge=0.0, le=1.0, description="Share of ranked requests of which all that was scored is recorded"
    )
    fewest: int = Field(
        20,
        ge=1,
        le=800,
        description="Candidates that are ranked at the least, where scoring is slow or waits",
    )
    at_once: int = Field(3, ge=1, description="Feeds that a process ranks at once")
    threads: int = Field(
        2, ge=1, le=64, description="Threads of a process that score; a feed's candidates are cut for them"
    )
    waiting: int = Field(16, ge=0, description="Feeds that wait for that; further ones take the next rung")
    wait_ms: int = Field(20, ge=0, description="Time after which one that waits takes the next rung")
    target_ms: int = Field(50, ge=1, description="Time of scoring above which fewer candidates are ranked")
    slow_ms: int = Field(100, ge=1, description="Time of scoring that the breaker counts as a failure")
    open_s: float = Field(2.0, gt=0, le=60, description="Seconds that the breaker stays open")
    least_hit_rate: float = Field(
        0.5, ge=0.0, le=1.0, description="Share of the expected feature rows below which they count as lost"
    )
    most_behind_s: int = Field(
        900, ge=60, description="Seconds that feature rows may be behind what was posted"
    )


class ChaosSettings(_Section):
    allowed: bool | None = Field(
        None,
        description="Whether `rankfeed chaos` may disturb a stack; unset: one that listens on the loopback",
    )


class WorkerSettings(_Section):
    port: int = Field(0, ge=0, le=65_535, description="Port of health and metrics; 0 picks a free one")


class PipelinesSettings(WorkerSettings):
    nice: int = Field(
        10,
        ge=0,
        le=19,
        description="How far the pipelines stand back where processes want more CPU than there is, as "
        "nice(1) has it; 0: not at all",
    )


class PopularSettings(_Section):
    every_s: float = Field(
        30.0,
        gt=0.0,
        le=300.0,
        description="Seconds after which it is reckoned anew what is popular, fewer after a start",
    )
    days: int = Field(30, ge=1, le=90, description="Age in days from which a tweet is not popular any more")


class PreheatSettings(_Section):
    at_once: int = Field(4, ge=1, description="Timelines rebuilt side by side after Redis lost them")
    a_second: int = Field(
        50, ge=0, description="Timelines rebuilt a second then; 0 leaves them to their readers"
    )


class FanoutSettings(WorkerSettings):
    followers_mb: int = Field(
        64, ge=0, description="Memory of a fan-out process for followers of active authors"
    )


class KafkaSettings(_Section):
    bootstrap: str | None = Field(None, description="Kafka's `host:port`, several separated by commas")
    prefix: str = Field("", description="Stands before the names of topics and groups")
    instance: str | None = Field(None, description="This process's own name among those of its groups")
    replication: int = Field(1, ge=1, le=7, description="Copies of each partition that `migrate` asks for")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are spoken to"
    )
    ssl_ca: Path | None = Field(None, description="PEM file of the authorities that sign brokers")
    ssl_certificate: Path | None = Field(None, description="PEM file of our certificate")
    ssl_key: Path | None = Field(None, description="PEM file of our certificate's key")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How we prove who we are"
    )
    sasl_username: str | None = Field(None, description="Our name at the brokers")
    sasl_password: SecretStr | None = Field(None, description="Our password at the brokers")


class CassandraSettings(_Section):
    hosts: str | None = Field(None, description="Cassandra's addresses, separated by commas")
    port: int = Field(9042, ge=1, le=65_535, description="Port of every Cassandra node")
    keyspace: str = Field("rankfeed", description="Keyspace that `migrate` makes and upgrades")
    datacenter: str = Field("datacenter1", description="The datacenter that is ours")
    replication: int = Field(
        1, ge=1, le=7, description="Copies of each row; counts when the keyspace is made"
    )
    username: str | None = Field(None, description="Our name at Cassandra")
    password: SecretStr | None = Field(None, description="Our password at Cassandra")
    tls_ca: Path | None = Field(None, description="PEM file of the authorities that sign nodes; turns TLS on")
    tls_certificate: Path | None = Field(
        None, description="PEM file of our certificate, where nodes ask for one"
    )
    tls_key: Path | None = Field(None, description="PEM file of our certificate's key")


class ServersSettings(_Section):
    cache: Path = Field(
        Path("~/.cache/rankfeed/servers"), description="Where `rankfeed servers` keeps what it downloads"
    )
    kafka_port: int = Field(
        0, ge=0, le=65_000, description="First port of the local Kafka; 0 picks a free one"
    )
    cassandra_port: int = Field(
        0, ge=0, le=65_000, description="First port of the local Cassandra; 0 picks a free one"
    )
    redis_port: int = Field(
        0, ge=0, le=55_000, description="First port of the local Redis Cluster; 0 picks a free one"
    )
    lasting: bool = Field(
        True,
        description="Whether local servers are to run for hours: Java then compiles what is hot in them as "
        "well as it can, which costs CPU in their first minutes and saves it afterwards",
    )


class ConsoleSettings(_Section):
    enabled: bool = Field(True, description="Whether `up` starts the console beside the stack")
    host: str = Field("127.0.0.1", description="Address that the console listens on")
    port: int = Field(0, ge=0, le=65_535, description="Port of the console; 0 picks a free one")
    password: SecretStr | None = Field(
        None,
        min_length=12,
        description="Password of the console; anything but a loopback address demands one",
    )


class LoggingSettings(_Section):
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged"
    )


class Settings(_Section):
    home: Path = Field(Path(".rankfeed"), description="Data directory of the embedded stack")
    stack: Literal["embedded", "distributed"] = Field(
        "embedded", description="Stores and log: SQLite files, or Cassandra and Kafka"
    )
    api: ApiSettings = ApiSettings()
    redis: RedisSettings = RedisSettings()
    limits: LimitsSettings = LimitsSettings()
    follows: FollowsSettings = FollowsSettings()
    auth: AuthSettings = AuthSettings()
    ranking: RankingSettings = RankingSettings()
    chaos: ChaosSettings = ChaosSettings()
    popular: PopularSettings = PopularSettings()
    fanout: FanoutSettings = FanoutSettings()
    preheat: PreheatSettings = PreheatSettings()
    pipelines: PipelinesSettings = PipelinesSettings()
    kafka: KafkaSettings = KafkaSettings()
    cassandra: CassandraSettings = CassandraSettings()
    servers: ServersSettings = ServersSettings()
    console: ConsoleSettings = ConsoleSettings()
    logging: LoggingSettings = LoggingSettings()
