"""TLS and passwords of a real Redis: let in with the right papers, told what to do with the wrong ones."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Unavailable
from stores.redis_assembly import open_redis
from stores.redis_commands import command
from stores.redis_options import RedisOptions
from tests.e2e.waiting import eventually
from tests.integration.redis_world import PATIENT_MS
from tests.papers import Papers
from wiring.environment import load_settings
from wiring.home import Home
from wiring.process import listen
from wiring.redis_server import redis_command
from wiring.redis_settings import opened_redis

PASSWORD = "a-password"
URL, CLUSTER, CA = "RANKFEED_REDIS_URL", "RANKFEED_REDIS_CLUSTER", "RANKFEED_REDIS_TLS_CA"
CERTIFICATE, KEY = "RANKFEED_REDIS_TLS_CERTIFICATE", "RANKFEED_REDIS_TLS_KEY"


@pytest.fixture(scope="module")
def locked_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis that asks for a password; one user, `reader`, may do nothing but read."""
    with listen("127.0.0.1", 0) as probe:
        port: int = probe.getsockname()[1]
    home = Home(tmp_path_factory.mktemp("locked"))
    with subprocess.Popen(
        [*redis_command(home, port, PASSWORD), "--user", "reader", "on", ">reads", "~*", "+@read"],
        stdout=subprocess.DEVNULL,
    ) as process:
        yield port
        process.kill()


@pytest.fixture
async def locked(locked_port: int) -> int:
    client = open_redis(RedisOptions(f"redis://:{PASSWORD}@127.0.0.1:{locked_port}", PATIENT_MS))

    async def answers() -> bool:
        with suppress(Unavailable):
            await client.ping()
            return True
        return False

    await eventually("Redis answers", answers)
    await client.aclose()
    return locked_port


@asynccontextmanager
async def tls_front(target: int, papers: Papers, *, mutual: bool = False) -> AsyncIterator[int]:
    """Speaks TLS for a Redis that cannot: what the wheel's server was built without. Its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(papers.server.certificate, papers.server.key)
    if mutual:
        context.load_verify_locations(papers.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    busy: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.transport.abort()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        with suppress(asyncio.CancelledError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
            await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))
        busy.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        await server.wait_closed()


async def use(environment: Mapping[str, str]) -> None:
    """Opens Redis as every process does, and writes and reads."""
    environment = {"RANKFEED_REDIS_TIMEOUT_MS": str(PATIENT_MS), **environment}
    async with opened_redis(load_settings(environment)) as redis:
        await redis.call(command(b"SET", b"k", b"v", b"EX", 60))
        assert (await redis.find([b"k"])).values == [b"v"]


async def refusal(environment: Mapping[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        await use(environment)
    assert PASSWORD not in str(refused.value)
    return str(refused.value)


async def test_the_right_password_lets_us_in(locked: int) -> None:
    await use({URL: f"redis://:{PASSWORD}@127.0.0.1:{locked}/0"})
    await use({URL: f"redis://default:{PASSWORD}@127.0.0.1:{locked}/1"})


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("", "asks for a password"),
        (":wrong@", "the user or the password in its URL is wrong"),
        ("nobody:a-password@", "the user or the password in its URL is wrong"),
    ],
)
async def test_a_wrong_password_is_refused_with_what_to_do(locked: int, login: str, said: str) -> None:
    message = await refusal({URL: f"redis://{login}127.0.0.1:{locked}/0"})
    assert said in message
    assert URL in message


async def test_a_password_that_nobody_asked_for_is_refused(redis_url: str) -> None:
    message = await refusal({URL: redis_url.replace("redis://", f"redis://:{PASSWORD}@")})
    assert "it has no password" in message


async def test_a_user_who_may_not_write_is_told_so(locked: int) -> None:
    client = open_redis(RedisOptions(f"redis://reader:reads@127.0.0.1:{locked}", PATIENT_MS))
    with pytest.raises(Unavailable, match="give it the rights"):
        await client.call(command(b"SET", b"k", b"v"))
    await client.aclose()


async def test_over_tls_the_right_authority_lets_us_in(locked: int, papers: Papers) -> None:
    async with tls_front(locked, papers) as port:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
        await use({URL: url, CA: str(papers.authority.certificate)})


async def test_over_tls_our_own_certificate_is_shown(locked: int, papers: Papers) -> None:
    async with tls_front(locked, papers, mutual=True) as port:
        environment = {
            URL: f"rediss://:{PASSWORD}@127.0.0.1:{port}/0",
            CA: str(papers.authority.certificate),
        }
        client = papers.client
        await use({**environment, CERTIFICATE: str(client.certificate), KEY: str(client.key)})
        await use({**environment, CERTIFICATE: str(client.both)})
        assert CERTIFICATE in await refusal(environment)


async def test_a_certificate_of_somebody_else_is_refused(locked: int, papers: Papers) -> None:
    async with tls_front(locked, papers) as port:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
        for environment in ({URL: url, CA: str(papers.stranger.certificate)}, {URL: url}):
            message = await refusal(environment)
            assert "not trusted" in message
            assert CA in message


async def test_a_certificate_for_another_name_is_refused(locked: int, papers: Papers) -> None:
    async with tls_front(locked, papers) as port:
        url = f"rediss://:{PASSWORD}@localhost:{port}/0"
        message = await refusal({URL: url, CA: str(papers.authority.certificate)})
        assert "localhost" in message


async def test_tls_with_a_redis_that_speaks_none_says_so(locked: int) -> None:
    # It takes a greeting for the beginning of a command, and waits for the rest.
    client = open_redis(RedisOptions(f"rediss://:{PASSWORD}@127.0.0.1:{locked}/0", 200))
    with pytest.raises(Unavailable, match="redis://"):
        await client.ping()
    await client.aclose()


async def test_one_redis_is_no_cluster_and_a_cluster_not_one_redis(
    redis_url: str, redis_cluster: str
) -> None:
    assert "not a node of a Redis Cluster" in await refusal({URL: redis_url, CLUSTER: "true"})
    # Every slot is on its one node, so there all goes well until a script or a MGET does not.
    await use({URL: redis_cluster, CLUSTER: "true"})


async def test_a_node_of_many_is_not_taken_for_one_redis(redis_shards: str) -> None:
    client = open_redis(RedisOptions(redis_shards.split(",")[0], PATIENT_MS))
    with pytest.raises(Unavailable, match="is a node of a Redis Cluster"):
        await client.calls([command(b"GET", b"key:%d" % number) for number in range(50)])
    found = await client.find([b"key:1", b"key:2"])
    assert found.failure is not None
    await client.aclose()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "no Redis is known"),
        ({URL: "redis://h", CA: "ca.pem"}, "must begin with rediss://"),
        ({URL: "rediss://h", KEY: "key.pem"}, CERTIFICATE),
        ({URL: "redis://a,redis://b"}, "Cluster"),
        ({URL: "redis://a/2", CLUSTER: "true"}, "database 0"),
        ({URL: "rediss://h", CA: "nowhere/ca.pem"}, "ca.pem"),
    ],
)
async def test_settings_that_do_not_go_together_are_refused(environment: dict[str, str], said: str) -> None:
    assert said in await refusal(environment)


async def test_redis_away_is_no_reason_not_to_start(tmp_path: Path) -> None:
    async with opened_redis(load_settings({URL: f"unix://{tmp_path}/nobody.sock"})) as redis:
        with pytest.raises(Unavailable):
            await redis.ping()
