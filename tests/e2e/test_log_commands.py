"""Looking after the log from the command line, on both stacks; and events that nobody can handle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
import redis

from core.clock import SystemClock
from core.ids import EPOCH_MS, TweetId, UserId
from core.types import Tweet
from eventlog.dead_letters import DeadLetters
from eventlog.envelope import decode_envelope, encode_envelope
from eventlog.kafka_options import KafkaOptions
from eventlog.log import Entry as LogEntry
from eventlog.reading import read, tail, type_of
from eventlog.schema import DEAD_LETTERS, TWEETS, TweetCreated, record_of
from stores.cassandra.entry import VERSION, Entry, digest_of, encode_entry
from stores.cassandra.fact import TweetWritten
from stores.cassandra.outbox import SHARDS, CassandraOutbox, Place, Waiting
from stores.cassandra.session import connect
from stores.lake import LakeReader, newest_manifest
from stores.partitioner import partition_of
from stores.ports import OutboxRecord
from tests.cassandra_keyspace import Keyspace
from tests.contracts.log_engines import delete_topics
from tests.e2e.operated import Operated
from tests.e2e.people import Person, event_of, http_client, make_people
from tests.e2e.waiting import PATIENCE_S, eventually, wait_until
from timelines.layout import COMPLETE, timeline_key
from wiring.draining import GROUPS

CLOCK = SystemClock()
OF_TWEETS = {group for group, topics in GROUPS.items() if TWEETS in topics}
on = pytest.mark.parametrize


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def operated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> Iterator[Operated]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    home = tmp_path_factory.mktemp("operated")
    environment = {"RANKFEED_STACK": request.param, "RANKFEED_REDIS_URL": redis_url}
    if request.param == "embedded":
        embedded = Operated(home, environment)
        yield embedded
        embedded.close()
        return
    bootstrap: str = request.getfixturevalue("kafka_server")
    keyspace: Keyspace = request.getfixturevalue("migrated_keyspace")
    keyspace.empty()
    options = KafkaOptions(bootstrap=bootstrap, prefix=f"t{uuid.uuid4().hex[:12]}.")
    distributed = Operated(
        home,
        environment
        | {
            "RANKFEED_KAFKA_BOOTSTRAP": bootstrap,
            "RANKFEED_KAFKA_PREFIX": options.prefix,
            "RANKFEED_CASSANDRA_HOSTS": ",".join(keyspace.options.hosts),
            "RANKFEED_CASSANDRA_PORT": str(keyspace.options.port),
            "RANKFEED_CASSANDRA_KEYSPACE": keyspace.options.keyspace,
        },
    )
    yield distributed
    distributed.close()
    asyncio.run(delete_topics(options))


async def test_the_log_is_printed_as_it_is_and_as_it_comes(operated: Operated) -> None:
    async with http_client(operated.stack) as http:
        (author,) = await make_people(operated.stack, http, 1)
        tweets = [await author.post(text) for text in ("one", "two")]
        await published(operated, author, tweets[1])
        own = ("log", "tail", TWEETS, "--key", str(author.user_id))
        there = operated.rankfeed(*own, "--until-end")
        assert (there.code, there.err) == (0, "")
        lines = [json.loads(line) for line in there.out.splitlines()]
        assert [line["data"]["text"] for line in lines] == ["one", "two"]
        assert {(line["topic"], line["type"], line["key"]) for line in lines} == {
            (TWEETS, "tweet.created", str(author.user_id))
        }
        coming = operated.begin(*own, "--limit", "1")
        while coming.poll() is None:
            await author.post("three")
            await asyncio.sleep(0.1)
        out, err = coming.communicate()
        assert (coming.returncode, err) == (0, "")
        assert json.loads(out)["data"]["text"] == "three"

    for end in ("ctrl-c", "closed"):
        endless = operated.begin(*own, "--since", "2026-01-01T00:00Z", "--type", "tweet.created")
        assert endless.stdout is not None
        there_now = await entries_of(operated, author)
        lines_now = [endless.stdout.readline() for _ in there_now]
        assert lines_now[:2] == there.out.splitlines(keepends=True)
        if end == "ctrl-c":
            endless.send_signal(signal.SIGINT)
        else:
            # As `head` does, while there is nothing more to print.
            endless.stdout.close()
            endless.stdout = None
        _, err = endless.communicate(timeout=PATIENCE_S)
        assert (endless.returncode, err) == (0, ""), end


async def test_the_lag_of_every_group_is_told(operated: Operated) -> None:
    await operated.stack.drained()
    table = operated.rankfeed("log", "lag")
    assert (table.code, table.err) == (0, "")
    head, *rows = (line.split() for line in table.out.splitlines())
    assert head == ["group", "topic", "lag"]
    assert rows == [[group, topic, "0"] for group, topics in GROUPS.items() for topic in topics]


async def test_what_nobody_can_handle_is_set_aside_and_the_partition_goes_on(operated: Operated) -> None:
    async with http_client(operated.stack) as http:
        author, broken, other = await make_people(operated.stack, http, 3)
        for reader in (broken, other):
            await reader.follow(author)
            await reader.feed()
        first = await author.post("before")
        for reader in (broken, other):
            await listed(operated, reader, first)
        await operated.stack.drained()
        # From here on whatever goes to this reader fails, and fails again.
        with operated.stack.redis() as client:
            client.delete(timeline_key(broken.user_id))
            client.set(timeline_key(broken.user_id), b"no list")
        await append(operated, strange(author, "tweet.pinned", 1), strange(author, "tweet.created", 2))
        second = await author.post("after")
        await listed(operated, other, second)

        letters = await waiting_letters(operated, 1 + len(OF_TWEETS))
        by_event = {(one["group"], one["event"].get("id")): one for one in letters}
        failed = by_event["fanout", str(second)]
        assert (failed["attempts"], failed["key"]) == (5, str(author.user_id))
        assert "WRONGTYPE" in failed["error"]
        for group in OF_TWEETS:
            newer = by_event[group, None]
            assert newer["error"] == "envelope version 2; this code knows 1"
        # What is of an unknown type is no dead letter: it stays in the log for a newer version.
        types = [type_of(entry) for entry in await entries_of(operated, author)]
        assert types.count("tweet.pinned") == 1
        shown = json.loads(operated.rankfeed("dlq", "show", failed["id"]).out)
        assert shown == failed
        assert shown["event"]["data"]["text"] == "after"

        with operated.stack.redis() as client:
            client.delete(timeline_key(broken.user_id))
            client.rpush(timeline_key(broken.user_id), COMPLETE)
        redriven = operated.rankfeed("dlq", "redrive", failed["id"])
        assert (redriven.code, redriven.err) == (0, "")
        await listed(operated, broken, second)
        assert (await other.feed_ids()).count(second) == 1

        # The newer one still cannot be read: one event to all groups, and a letter of each as before.
        assert "published once more: 1;" in operated.rankfeed("dlq", "redrive", "--all").out
        again = await waiting_letters(operated, len(OF_TWEETS))
        assert {one["group"] for one in again} == OF_TWEETS
        assert not {one["id"] for one in again} & {one["id"] for one in letters}


async def test_a_group_begins_again(operated: Operated) -> None:
    async with http_client(operated.stack) as http:
        author, reader = await make_people(operated.stack, http, 2)
        await reader.follow(author)
        await reader.feed()
        tweet = await author.post("once more")
        await listed(operated, reader, tweet)
        await operated.stack.drained()
        again = ("log", "replay", "fanout", "--from", "1h", "--topic", TWEETS)
        refused = operated.rankfeed(*again, "--yes")
        assert refused.code == 1
        assert f"the stack in {operated.home} runs" in refused.err
        assert "Traceback" not in refused.err
        with operated.stack.redis() as client:
            client.lrem(timeline_key(reader.user_id), 0, str(tweet))
    operated.stop()
    try:
        replayed = operated.rankfeed(*again, "--yes")
        assert (replayed.code, replayed.err) == (0, "")
        (line,) = replayed.out.splitlines()[1:]
        assert line.split()[:2] == ["fanout", TWEETS]
        assert int(line.split()[2].replace(",", "")) > 0
    finally:
        operated.start()
    await listed(operated, reader, tweet)


@on("operated", ["embedded"], indirect=True)
async def test_features_and_the_lake_begin_again_as_they_say(operated: Operated) -> None:
    home = operated.stack.home

    def rows() -> list[Any]:
        with contextlib.suppress(sqlite3.OperationalError), closing(sqlite3.connect(home.features)) as file:
            return file.execute("SELECT view, entity, other FROM rows ORDER BY 1, 2, 3").fetchall()
        return []

    def tweets() -> list[int]:
        if newest_manifest(home.lake) is None:
            return []
        return sorted(LakeReader(home.lake).scan("tweets").collect()["tweet"].to_list())

    async with http_client(operated.stack) as http:
        author, reader = await make_people(operated.stack, http, 2)
        await reader.follow(author)
        tweet = await author.post("seen")
        (item,) = await reader.feed()
        answer = await reader.call("POST", "/v1/events", json={"events": [event_of(item, "click")]})
        assert answer.status_code == 202
        wait_until("it is counted", lambda: any(tweet in row for row in rows()))
        wait_until("it is in the lake", lambda: tweet in tweets())
    operated.stop()
    before = rows(), tweets()
    try:
        for path in (*home.root.glob("features.db*"), home.lake):
            shutil.move(path, home.root / f"old-{path.name}")
    finally:
        operated.start()
    wait_until("everything is counted again", lambda: rows() == before[0])
    wait_until("the lake is full again", lambda: tweets() == before[1])


@on("operated", ["distributed"], indirect=True)
async def test_a_write_that_the_relay_set_aside_is_given_back(
    operated: Operated, migrated_keyspace: Keyspace
) -> None:
    async with http_client(operated.stack) as http:
        author, reader = await make_people(operated.stack, http, 2)
        await reader.follow(author)
        await reader.feed()
        now_ms = CLOCK.now_ms()
        tweet = Tweet(TweetId((now_ms - EPOCH_MS) << 22), UserId(author.user_id), "kept", now_ms)
        event = record_of(TweetCreated.of(tweet), id=tweet.tweet_id, ts_ms=now_ms, key=tweet.author_id)
        raw = encode_entry(Entry(VERSION, now_ms * 1000, TweetWritten(tweet), (event,)))
        shard = partition_of(tweet.author_id, SHARDS)
        session = await connect(migrated_keyspace.options)
        try:
            place = Place(shard, now_ms // 10_000, tweet.tweet_id, digest_of(raw), now_ms * 1000)
            await CassandraOutbox(session, CLOCK).refuse(Waiting(place, raw), "ValueError: too large")
        finally:
            await session.close()

        # The running stack knows which one it is.
        listed_ = operated.rankfeed("outbox", "refused", "--json")
        assert (listed_.code, listed_.err) == (0, "")
        (one,) = (json.loads(line) for line in listed_.out.splitlines())
        assert (one["id"], one["cause"]) == (str(tweet.tweet_id), "ValueError: too large")
        assert one["events"][0]["data"]["text"] == "kept"
        assert operated.rankfeed("outbox", "redrive", str(tweet.tweet_id)).code == 0
        await listed(operated, reader, tweet.tweet_id)
        assert await reader.feed_ids() == [tweet.tweet_id]
    assert operated.rankfeed("outbox", "refused").out == "no write was set aside\n"


def strange(author: Person, type_: str, version: int) -> OutboxRecord:
    """An event in the author's own partition that this code does not know."""
    id_ = (CLOCK.now_ms() - EPOCH_MS) << 22
    value = encode_envelope(
        type=type_, id=id_, ts_ms=CLOCK.now_ms(), key=author.user_id, ver=id_, data=b"\x81\xa5tweet\x07"
    )
    # The first field: {v: 1, ...
    return OutboxRecord(TWEETS, author.user_id, value.replace(b"\xa1v\x01", b"\xa1v%c" % version, 1))


async def append(operated: Operated, *records: OutboxRecord) -> None:
    async with operated.open_log() as log:
        await log.append(records)


async def published(operated: Operated, author: Person, tweet: int) -> None:
    """Returns once its event is in the log: Kafka has it a moment after the answer."""
    async with (
        asyncio.timeout(PATIENCE_S),
        operated.open_log() as log,
        aclosing(tail(log, [TWEETS], asyncio.Event(), since_ms=0)) as entries,
    ):
        async for entry in entries:
            if entry.key == author.user_id and decode_envelope(entry.value).id == tweet:
                return


async def entries_of(operated: Operated, author: Person) -> list[LogEntry]:
    async with operated.open_log() as log:
        return [entry async for entry in read(log, [TWEETS]) if entry.key == author.user_id]


async def listed(operated: Operated, reader: Person, tweet: int) -> None:
    """Returns once fan-out has pushed a tweet to the reader's list."""
    with operated.stack.redis() as client:

        async def there() -> bool:
            items = client.lrange(timeline_key(reader.user_id), 0, -1)
            assert isinstance(items, list)
            return b"%d" % tweet in items

        await eventually("the tweet is delivered", there)


async def waiting_letters(operated: Operated, count: int) -> list[dict[str, Any]]:
    """The letters, as the command tells of them, once there are so many."""
    async with asyncio.timeout(PATIENCE_S), operated.open_log() as log:
        letters = DeadLetters(log, CLOCK)
        async with aclosing(tail(log, [DEAD_LETTERS], asyncio.Event(), since_ms=0)) as entries:
            async for _ in entries:
                if len(await letters.waiting()) >= count:
                    break
    ended = operated.rankfeed("dlq", "list", "--json")
    assert (ended.code, ended.err) == (0, "")
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert len(found) == count
    return found
