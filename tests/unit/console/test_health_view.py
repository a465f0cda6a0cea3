"""A look at a stack as HTML."""

from __future__ import annotations

from console import health_view as view
from console.vitals import (
    BREAKER,
    FEED_SECONDS,
    NEWEST_EVENT,
    QUALITY,
    ROW_AGE,
    ROWS_MISSING,
    ROWS_READ,
    RUNG,
    Seen,
)
from features.reader import SEEN
from tests.unit.console.stack_seen import StackSeen


async def busy() -> tuple[StackSeen, Seen]:
    """A process that has a hard time, and a worker that is away."""
    stack = StackSeen(behind={"lake": {"views.v1": 1_200, "served.v1": 0}}, workers={"pipelines": "http://p"})
    url = stack.serves(7)
    stack.measured["http://p"] = {}
    await stack.vitals.fresh()
    for name, value in ((RUNG, 1), (QUALITY, 0.7), (BREAKER, 1)):
        stack.add(url, name, value)
    stack.add("http://p", NEWEST_EVENT, stack.clock.now_ms() / 1000 - 29)
    stack.page(url, "full", times=98)
    stack.page(url, "cached", "<slow>", times=2)
    stack.page(url, "full", asked="chronological", times=5)
    for bound, below in (("0.1", 50), ("0.2", 100), ("+Inf", 100)):
        stack.add(url, f"{FEED_SECONDS}_bucket", below, algorithm="ranked", le=bound)
    stack.add(url, ROWS_READ, 200, view="t")
    stack.add(url, ROWS_MISSING, 3, view="t")
    stack.add(url, ROWS_READ, 4, view=SEEN)
    stack.add(url, ROWS_MISSING, 2, view=SEEN)
    for bound in ("30.0", "+Inf"):
        stack.add(url, f"{ROW_AGE}_bucket", 4, view="t", le=bound)
    stack.clock.advance(1_000)
    return stack, await stack.vitals.fresh()


async def test_the_last_minute_is_told_in_words_and_drawn() -> None:
    _, seen = await busy()
    assert view.last_minute(seen) == "In the last minute 100 ranked pages: full 98, cached 2. Why: <slow> 2."
    strip = view.rungs_strip(seen)
    assert strip.count("<rect") == 2
    assert "Not on the highest because of: &lt;slow&gt; 2" in strip
    assert "<slow>" not in strip


async def test_processes_say_where_they_stand() -> None:
    stack, seen = await busy()
    table = view.processes_table(seen)
    for words in ("api, here 7", "serves", "home@1", "fewer, 70% of the candidates", "half open", "works"):
        assert words in table
    assert view.away_processes(seen) == []
    del stack.measured["http://p"]
    stack.clock.advance(1_000)
    ((what, todo),) = view.away_processes(await stack.vitals.fresh())
    assert "pipelines (here) is away" in what
    assert "If it ended, its stack starts it again" in todo
    assert "end it by its pid, which each line of logs/pipelines.log" in todo
    stack.measured.clear()
    stack.clock.advance(1_000)
    todos = [todo for _, todo in view.away_processes(await stack.vitals.fresh())]
    assert "kill 7 on here. logs/api.log" in todos[0]


async def test_latency_lag_and_features_are_of_the_last_minute() -> None:
    stack, seen = await busy()
    assert "100.0\u00a0ms" in view.latency_table(seen)
    assert "199.0\u00a0ms" not in view.latency_table(seen)
    assert "198.0\u00a0ms" in view.latency_table(seen)
    assert "1,200" in view.lag_table(seen)
    assert "served.v1" not in view.lag_table(seen)
    assert "98.5%" in view.features_table(seen)
    assert "15\u00a0s" in view.features_table(seen)
    assert "50.0%, the others saw nothing lately" in view.features_table(seen)
    assert view.newest_event(seen) == "The newest event among feature rows is 30\u00a0s old."
    stack.clock.advance(120_000)
    later = await stack.vitals.fresh()
    assert "100.0" not in view.latency_table(later)
    assert "nobody asked" in view.features_table(later)
    assert "nobody asked" in view.last_minute(later)


async def test_what_is_not_known_is_said() -> None:
    stack = StackSeen(away={"log", "redis"})
    seen = await stack.vitals.fresh()
    assert "Not known" in view.lag_table(seen)
    assert "No process" in view.processes_table(seen)
    assert "not known" in view.newest_event(seen)
