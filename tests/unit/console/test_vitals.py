"""What is seen of a stack, what is kept of it, and that nothing that is away hides the rest."""

from __future__ import annotations

import asyncio

from console.metrics import summed
from console.vitals import BIN_S, BINS, PAGES, REMEMBERED_S, RUNG
from tests.e2e.waiting import eventually
from tests.unit.console.stack_seen import StackSeen


async def test_it_is_looked_at_once_a_second_however_many_ask() -> None:
    stack = StackSeen()
    await asyncio.gather(*(stack.vitals.fresh() for _ in range(5)))
    assert stack.looks == 1
    stack.clock.advance(1_000)
    await asyncio.gather(*(stack.vitals.fresh() for _ in range(5)))
    assert stack.looks == 2


async def test_what_was_counted_before_the_first_look_is_not_of_the_last_minutes() -> None:
    stack = StackSeen()
    url = stack.serves(1)
    stack.page(url, "full", times=1_000)
    assert summed((await stack.vitals.fresh()).last(60), PAGES, "rung") == {"full": 0}
    stack.clock.advance(1_000)
    stack.page(url, "full", times=3)
    stack.page(url, "cached", "model_slow")
    assert summed((await stack.vitals.fresh()).last(60), PAGES, "rung") == {"full": 3, "cached": 1}


async def test_a_look_that_takes_long_is_fresh_from_its_end() -> None:
    stack = StackSeen(slow_ms=2_000, workers={"fanout": "http://f"}, measured={"http://f": {}})
    await asyncio.gather(*(stack.vitals.fresh() for _ in range(4)))
    assert stack.looks == 1


async def test_all_processes_count_from_where_they_were_first_seen() -> None:
    stack = StackSeen()
    first = stack.serves(1)
    await stack.vitals.fresh()
    stack.page(first, "full")
    # It was away at the first look, and has served for a day.
    second = stack.serves(2)
    stack.page(second, "full", times=1_000)
    stack.clock.advance(1_000)
    assert summed((await stack.vitals.fresh()).last(60), PAGES, "rung") == {"full": 1}
    stack.page(second, "full", times=2)
    stack.clock.advance(1_000)
    assert summed((await stack.vitals.fresh()).last(60), PAGES, "rung") == {"full": 3}


async def test_what_is_kept_is_bounded_and_has_no_gaps() -> None:
    stack = StackSeen()
    url = stack.serves(1)
    for _ in range(2 * BINS):
        stack.page(url, "full")
        seen = await stack.vitals.fresh()
        stack.clock.advance(BIN_S * 1000)
    assert [sum(one.counted.values()) for one in seen.bins] == [1.0] * BINS
    stack.clock.advance(3 * BIN_S * 1000)
    seen = await stack.vitals.fresh()
    assert [bool(one.counted) for one in seen.bins[-5:]] == [True, False, False, False, True]
    stack.clock.advance(BINS * BIN_S * 1000)
    assert len((await stack.vitals.fresh()).bins) == BINS


async def test_a_process_that_is_gone_is_shown_as_away_for_a_while() -> None:
    stack = StackSeen()
    url = stack.serves(1)
    stack.serves(2)
    assert [one.away for one in (await stack.vitals.fresh()).processes] == ["", ""]
    # It was killed: its report outlives it for a moment, its port does not.
    del stack.measured[url]
    stack.clock.advance(1_000)
    gone, other = (await stack.vitals.fresh()).processes
    assert (gone.where, "does not answer" in gone.away, other.away) == ("here 1", True, "")
    del stack.told[0]
    stack.clock.advance(5_000)
    gone, other = (await stack.vitals.fresh()).processes
    assert ("nothing any more" in gone.away, other.away) == (True, "")
    stack.clock.advance(int(REMEMBERED_S * 1000))
    assert [one.where for one in (await stack.vitals.fresh()).processes] == ["here 2"]


async def test_while_redis_is_away_processes_are_asked_where_they_were() -> None:
    stack = StackSeen()
    stack.add(stack.serves(1), RUNG, 2)
    await stack.vitals.fresh()
    stack.away.add("redis")
    stack.clock.advance(int(2 * REMEMBERED_S * 1000))
    seen = await stack.vitals.fresh()
    assert seen.failures == {"processes": "redis is away"}
    assert [(one.away, one.value(RUNG)) for one in seen.processes] == [("", 2.0)]


async def test_while_the_log_is_away_all_else_is_seen() -> None:
    stack = StackSeen(behind={"lake": {"views.v1": 3}}, workers={"api": "http://a", "fanout": "http://f"})
    assert (await stack.vitals.fresh()).lag == {"lake": {"views.v1": 3}}
    stack.away.add("log")
    stack.measured["http://f"] = {}
    stack.clock.advance(1_000)
    seen = await stack.vitals.fresh()
    assert (seen.lag, seen.failures) == (None, {"lag": "log is away"})
    assert [(one.role, one.away) for one in seen.processes] == [("fanout", "")]


async def test_of_a_process_of_another_host_its_report_is_all() -> None:
    stack = StackSeen()
    stack.measured.pop(stack.serves(1, host="there"))
    (process,) = (await stack.vitals.fresh()).processes
    assert (process.where, process.away, process.samples) == ("there 1", "", {})


async def test_it_looks_by_itself_until_it_is_told_to_stop() -> None:
    stack, stop = StackSeen(), asyncio.Event()
    running = asyncio.create_task(stack.vitals.run(stop))

    async def looked() -> bool:
        return stack.looks == 1

    await eventually("it looked", looked)
    stop.set()
    await running
    assert stack.looks == 1
