"""What serving processes say of themselves on a real Redis, and what they follow."""

from __future__ import annotations

import asyncio

import msgspec

from core.errors import Unavailable
from ranking.processes import ProcessReport, ServingProcess, serving_processes
from stores.redis_commands import command
from tests.e2e.waiting import eventually
from tests.fakes import FakeClock
from tests.integration.redis_world import RedisWorld


class FakeFollowed:
    def __init__(self, objective: str, *, away: bool = False) -> None:
        self._objective = objective
        self._away = away
        self.polls = 0

    async def poll(self) -> None:
        self.polls += 1
        if self._away:
            raise Unavailable("the store is away")

    def told(self, report: ProcessReport) -> ProcessReport:
        return msgspec.structs.replace(report, objective=self._objective)


async def test_processes_of_several_hosts_report_what_they_run(one_redis: RedisWorld) -> None:
    clock = FakeClock()
    for host, pid, objective in (("b", 1, "x@1"), ("a", 1, "x@2"), ("a", 1, "x@3")):
        await ServingProcess(one_redis.client, clock, [FakeFollowed(objective)], host=host, pid=pid).poll()
    reports = await serving_processes(one_redis.client)
    assert [(one.host, one.objective) for one in reports] == [("a", "x@3"), ("b", "x@1")]
    assert {one.at_ms for one in reports} == {clock.now_ms()}


async def test_what_is_no_report_of_ours_is_none(one_redis: RedisWorld) -> None:
    newer = msgspec.msgpack.encode(ProcessReport(2, "api", 1, None, None, None, 0))
    worker = msgspec.msgpack.encode(ProcessReport(1, "fanout", 2, None, None, None, 0))
    older = {"v": 1, "role": "api", "pid": 3, "model": None, "sha256": None, "refused": None, "at_ms": 0}
    for number, raw in enumerate((b"\x00", newer, worker, msgspec.msgpack.encode(older))):
        await one_redis.client.call(command(b"SET", b"proc:%d" % number, raw))
    assert [one.pid for one in await serving_processes(one_redis.client)] == [3]


async def test_what_cannot_be_asked_does_not_keep_the_rest_from_being_followed(one_redis: RedisWorld) -> None:
    followed = FakeFollowed("x@1", away=True), FakeFollowed("x@2")
    await ServingProcess(one_redis.client, FakeClock(), followed, host="a", pid=1).poll()
    assert [one.polls for one in followed] == [1, 1]
    assert [one.objective for one in await serving_processes(one_redis.client)] == ["x@2"]


async def test_whoever_stops_is_not_waited_for(one_redis: RedisWorld) -> None:
    process = ServingProcess(one_redis.client, FakeClock(), [followed := FakeFollowed("x")], host="a", pid=1)
    stop = asyncio.Event()
    following = asyncio.create_task(process.follow(stop))

    async def reported() -> bool:
        return bool(await serving_processes(one_redis.client))

    await eventually("the process reports", reported)
    stop.set()
    await following
    assert followed.polls == 1
    assert await serving_processes(one_redis.client) == []
