"""Ctrl-C, or its terminal gone, while a command works: it ends soon, cleans up, and waits for no thread."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

EXIT_CODE = 128 + signal.SIGINT
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruptible:
    """The first SIGINT, SIGTERM or SIGHUP ends what is under way in here, with KeyboardInterrupt.

    Further ones do nothing: whoever is impatient does not break off the cleaning up. For the main thread.
    """

    def __init__(self) -> None:
        self._requested = False
        self._cancel: Callable[[], object] | None = None
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruptible:
        for number in _SIGNALS:
            # Under `nohup` it is to go on when its terminal is gone.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            self._former[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """As asyncio.run; interrupted, the work is cancelled, and all that it does about that is done."""

        async def watched() -> T:
            task, loop = asyncio.current_task(), asyncio.get_running_loop()
            assert task is not None
            self._cancel = partial(loop.call_soon_threadsafe, task.cancel)
            try:
                return await work
            finally:
                self._cancel = None

        try:
            return asyncio.run(watched())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    def _request(self, number: int, frame: object) -> None:
        if self._requested:
            return
        self._requested = True
        if self._cancel is None:
            raise KeyboardInterrupt
        self._cancel()


async def beside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns, from a thread of its own, that nobody waits for where this is cancelled.

    (`asyncio.run` waits at its end for those of `asyncio.to_thread`: a training takes a minute.)
    """
    executor = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, partial(work, *args, **kwargs))
    finally:
        executor.shutdown(wait=False)


def leave() -> NoReturn:
    """Ends this process as Ctrl-C does, whatever its threads are at: Python would wait for them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE)
