"""Ctrl-C ends a command's work once, and its cleaning up is not broken off."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from wiring.interrupted import Interruptible, beside


@pytest.fixture(autouse=True)
def from_a_terminal() -> Iterator[None]:
    """Whoever runs these tests under `nohup` ignores SIGHUP, and they would."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_work_is_cancelled_and_cleans_up_whatever_comes_meanwhile(number: signal.Signals) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            signal.raise_signal(number)
            await asyncio.Event().wait()
        finally:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)
            done.append("cleaned up")

    with Interruptible() as interruptible, pytest.raises(KeyboardInterrupt):
        interruptible.run(work())
    assert done == ["cleaned up"]


def test_what_is_no_coroutine_is_interrupted_once() -> None:
    former = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruptible():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == former


def test_under_nohup_it_goes_on_without_its_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruptible():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_work_that_is_to_end_so_ends_well() -> None:
    async def work() -> str:
        signal.raise_signal(signal.SIGINT)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "as wanted"

    with Interruptible() as interruptible:
        assert interruptible.run(work()) == "as wanted"


async def test_work_beside_gives_its_result_and_its_error() -> None:
    assert await beside(pow, 2, 3) == 8
    with pytest.raises(ZeroDivisionError):
        await beside(divmod, 1, 0)


async def test_work_beside_that_is_given_up_is_not_waited_for() -> None:
    let_go, went_on = threading.Event(), threading.Event()

    def work() -> None:
        let_go.wait()
        went_on.set()

    task = asyncio.create_task(beside(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    let_go.set()
    assert await asyncio.to_thread(went_on.wait, 10)
