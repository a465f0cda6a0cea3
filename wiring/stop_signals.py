"""SIGINT and SIGTERM of a stack: it stops in order, and at once only where that breaks nothing off."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class StopSignals:
    """Remembers that SIGINT or SIGTERM came."""

    def __init__(self) -> None:
        self.requested = False
        self._interrupts = False
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._former[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextmanager
    def interrupting(self, say: Callable[[str], None]) -> Iterator[None]:
        """What is under way here ends at once with KeyboardInterrupt: a first download takes minutes."""
        self._interrupts = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        except KeyboardInterrupt:
            say("stopping")
            raise
        finally:
            self._interrupts = False

    def _request(self, number: int, frame: object) -> None:
        self.requested = True
        if self._interrupts:
            # Once: another one must not break off the cleaning up.
            self._interrupts = False
            raise KeyboardInterrupt
