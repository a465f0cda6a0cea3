"""One command to many keys, and scripts that run often, on one Redis and on a Cluster."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Unavailable
from stores.redis_assembly import open_redis
from stores.redis_commands import Script, command
from stores.redis_errors import ResponseError
from stores.redis_options import RedisOptions
from stores.redis_spread import KeyTemplate, Spread
from tests.integration.redis_world import RedisWorld

KEYS = [b"l:{%d}" % number for number in range(500)]
LENGTH = Script("return redis.call('RPUSH', KEYS[1], ARGV[1])")


@pytest.mark.parametrize("copied", [False, True])
async def test_answers_stand_where_their_keys_do(both_redis: RedisWorld, copied: bool) -> None:
    client = both_redis.client
    await client.calls([command(b"RPUSH", key, *range(i)) for i, key in enumerate(KEYS) if i])
    pushes, removals = KeyTemplate(b"LPUSHX", KEYS), KeyTemplate(b"LREM", KEYS[:7], 1)
    found = await client.spread(
        [Spread(pushes, 1_000), Spread(removals, 3), Spread(pushes, 1_001)], copied=copied
    )
    assert [one.dtype for one in found] == [np.dtype(np.int64)] * 3
    assert found[0].tolist() == [0, *range(2, 501)]
    assert found[1].tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert found[2][10:].tolist() == list(range(12, 502))
    assert await client.call(command(b"LRANGE", KEYS[5], 0, -1)) == [b"1001", b"1000", b"0", b"1", b"2", b"4"]


async def test_commands_that_are_whole_go_to_where_their_keys_are(both_redis: RedisWorld) -> None:
    client = both_redis.client
    await client.calls([command(b"RPUSH", key, 0) for key in KEYS[1:]])
    whole = [command(b"LPUSHX", key, *range(1, i % 9 + 2)).packed for i, key in enumerate(KEYS)]
    (found,) = await client.spread([Spread(KeyTemplate.whole(whole), None)])
    assert found.tolist() == [0, *(i % 9 + 2 for i in range(1, 500))]
    assert await client.call(command(b"LRANGE", KEYS[3], 0, -1)) == [b"4", b"3", b"2", b"1", b"0"]


async def test_nothing_to_nobody_is_nothing(both_redis: RedisWorld) -> None:
    nobody = KeyTemplate(b"LPUSHX", [])
    assert await both_redis.client.spread([]) == []
    assert [one.tolist() for one in await both_redis.client.spread([Spread(nobody, 1)])] == [[]]


async def test_a_key_that_holds_something_else_is_told_of_and_the_others_have_theirs(
    both_redis: RedisWorld,
) -> None:
    client = both_redis.client
    await client.calls([command(b"RPUSH", key, 1) for key in KEYS if key != KEYS[99]])
    await client.call(command(b"SET", KEYS[99], b"no list"))
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await client.spread([Spread(KeyTemplate(b"LPUSHX", KEYS), 2)])
    lengths = await client.calls([command(b"LLEN", key) for key in KEYS if key != KEYS[99]])
    assert lengths == [2] * 499


async def test_a_script_that_a_node_forgot_is_told_again(both_redis: RedisWorld) -> None:
    runs = [([key], [b"x"]) for key in KEYS[:50]]
    for number in range(1, 4):
        assert await both_redis.client.run_often(LENGTH, runs) == [number] * 50
        await both_redis.look.script_flush()
    assert await both_redis.client.run_often(LENGTH, []) == []
    await both_redis.client.call(command(b"SET", KEYS[60], b"no list"))
    for _ in range(2):
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await both_redis.client.run_often(LENGTH, [([KEYS[60]], [b"x"])])


@pytest.mark.parametrize("cluster", [False, True])
async def test_a_redis_that_is_away_is_unavailable(cluster: bool) -> None:
    nowhere = open_redis(RedisOptions("redis://127.0.0.1:1", 500, cluster=cluster))
    try:
        with pytest.raises(Unavailable):
            await nowhere.spread([Spread(KeyTemplate(b"LPUSHX", KEYS), 1)])
        with pytest.raises(Unavailable):
            await nowhere.run_often(LENGTH, [([KEYS[0]], [b"x"])])
    finally:
        await nowhere.aclose()
