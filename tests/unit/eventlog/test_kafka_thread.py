"""A loop of its own: it goes on while the caller's is busy, and ends with what still runs in it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from eventlog.kafka_thread import KafkaThread


async def test_it_goes_on_while_the_callers_loop_is_busy() -> None:
    thread = KafkaThread()
    beats = threading.Event()

    async def beat() -> str:
        await asyncio.sleep(0)
        beats.set()
        return threading.current_thread().name

    beating = thread.start(beat())
    # Blocks this loop: only another one can set it.
    assert beats.wait(60)
    assert await beating == "kafka"
    await thread.close()


async def test_errors_come_to_the_caller_and_cancelling_reaches_there() -> None:
    thread = KafkaThread()

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await thread.run(fail())

    started, cancelled = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def wait() -> None:
        loop.call_soon_threadsafe(started.set)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = thread.start(wait())
    await started.wait()
    waiting.cancel()
    assert await asyncio.to_thread(cancelled.wait, 60)
    await thread.close()


async def test_closing_ends_what_still_runs_and_does_nothing_twice() -> None:
    thread = KafkaThread()
    await thread.close()
    ended = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = thread.start(wait())
    await thread.run(asyncio.sleep(0))
    await thread.close()
    assert ended.is_set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await thread.close()
