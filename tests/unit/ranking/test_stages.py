"""Each stage fails as it says: open is left out, closed ends the attempt, and a bug of ours surfaces."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from core.deadline import Deadline
from core.errors import Unavailable
from core.ids import UserId
from core.timings import Timings
from ranking.query import FeedQuery
from ranking.stages import Stage, StageFailed, run_stage
from tests.fakes import FakeClock

OPEN = Stage("extra", deadline_ms=1_000, on_failure="open")
CLOSED = Stage("needed", deadline_ms=1_000, on_failure="closed")


def _query(left_ms: float = 1_000) -> FeedQuery:
    clock = FakeClock()
    deadline, timings = Deadline.after_ms(left_ms, clock), Timings(clock)
    return FeedQuery(UserId(1), 20, "ranked", None, uuid.UUID(int=1), 0, deadline, timings)


async def _away() -> int:
    raise Unavailable("gone")


async def _for_ever() -> int:
    await asyncio.Event().wait()
    return 1


async def _fine() -> int:
    return 1


async def test_a_result_is_handed_on_and_timed() -> None:
    query = _query()
    assert await run_stage(CLOSED, query, _fine) == 1
    assert [name for name, _ in query.timings.items()] == ["needed"]


async def test_a_stage_that_fails_open_is_left_out() -> None:
    assert await run_stage(OPEN, _query(), _away) is None


async def test_a_stage_that_fails_closed_says_why() -> None:
    with pytest.raises(StageFailed) as failed:
        await run_stage(CLOSED, _query(), _away)
    assert (failed.value.stage, failed.value.reason) == ("needed", "needed_unavailable")
    assert isinstance(failed.value.__cause__, Unavailable)


async def test_the_reason_of_a_stage_within_is_kept() -> None:
    async def inner() -> int:
        raise StageFailed("model", "no_model")

    with pytest.raises(StageFailed) as failed:
        await run_stage(CLOSED, _query(), inner)
    assert failed.value.reason == "no_model"


async def test_a_stage_ends_with_its_own_deadline_or_the_requests() -> None:
    for stage, query in ((Stage("needed", 1, "closed"), _query()), (CLOSED, _query(left_ms=0))):
        with pytest.raises(StageFailed) as failed:
            await run_stage(stage, query, _for_ever)
        assert failed.value.reason == "needed_slow"


async def test_what_our_own_code_does_wrong_surfaces() -> None:
    async def bug() -> int:
        raise KeyError("oops")

    for stage in (OPEN, CLOSED):
        with pytest.raises(KeyError):
            await run_stage(stage, _query(), bug)
