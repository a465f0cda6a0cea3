from __future__ import annotations

import asyncio

import pytest

from core.waiting import happens


async def test_an_event_happens_in_time_or_not() -> None:
    event = asyncio.Event()
    assert not await happens(event, 0.001)
    assert not await happens(event, -1.0)
    asyncio.get_running_loop().call_later(0.001, event.set)
    assert await happens(event, None)
    assert await happens(event, 0.0)


@pytest.mark.parametrize("turns", range(3))
async def test_a_cancellation_that_meets_the_event_is_not_lost(turns: int) -> None:
    """The defect of `asyncio.wait_for` before 3.12: it hears of the event a turn late, and returns."""

    async def worker() -> None:
        assert await happens(event, 10.0)
        ended_by_itself.set()
        await asyncio.Event().wait()

    event, ended_by_itself = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(worker())
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task
    assert ended_by_itself.is_set() == (turns > 0)
