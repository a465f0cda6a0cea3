"""Statements put to the driver: each page by a request of its own, of whose answers the first counts.

Where a node is slow, another is asked for the same page (speculative execution), and the driver calls
back for every answer, however late. Had one request all pages, as the driver's own paging has it, a
late answer would add its rows again and set the request back to an earlier page.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cassandra.cluster import ResponseFuture, Session

from core.waiting import settle


@dataclass(slots=True)
class _Execution:
    """A statement under way; `rows` are those of the pages that are there."""

    bound: object
    profile: object
    answer: asyncio.Future[list[Any]]
    rows: list[Any] = field(default_factory=list)


class _Asking(threading.local):
    """What this thread puts to the driver just now."""

    execution: _Execution | None = None


class Executions:
    """A session's. Answers come to the event loop from the driver's threads, many at each wake-up."""

    def __init__(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop
        self._asking = _Asking()
        self._arrived: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._woken = False
        session.add_request_init_listener(self._listen)

    def run(self, bound: object, profile: object) -> asyncio.Future[list[Any]]:
        """Every row, all pages, in a list that nobody else has. Errors are the driver's."""
        execution = _Execution(bound, profile, self._loop.create_future())
        self._ask(execution, None)
        return execution.answer

    def _ask(self, execution: _Execution, paging_state: bytes | None) -> None:
        self._asking.execution = execution
        try:
            self._session.execute_async(
                execution.bound, execution_profile=execution.profile, paging_state=paging_state
            )
        finally:
            self._asking.execution = None

    def _listen(self, response: ResponseFuture) -> None:
        """Before the request is sent: so every answer calls back from the driver's one thread of answers.

        There the request's paging state is that of the answer; looked at later, it might be another's.
        """
        execution = self._asking.execution
        if execution is None:
            # Another's, on the same connections.
            return
        # Taken by the answer that counts.
        counted = threading.Lock()

        def page(rows: list[Any] | None) -> None:
            if not counted.acquire(blocking=False):
                return
            try:
                self._page(execution, rows, response._paging_state)
            except BaseException:
                # The driver has it from us, and calls back with it as a failure.
                counted.release()
                raise

        def failed(exc: BaseException) -> None:
            if counted.acquire(blocking=False):
                self._bring(partial(settle, execution.answer, [], exc))

        response.add_callbacks(page, failed)

    def _page(self, execution: _Execution, rows: list[Any] | None, paging_state: bytes | None) -> None:
        execution.rows += rows or ()
        if paging_state is None:
            self._bring(partial(settle, execution.answer, execution.rows, None))
        else:
            self._ask(execution, paging_state)

    def _bring(self, answered: Callable[[], None]) -> None:
        with self._lock:
            self._arrived.append(answered)
            if self._woken:
                return
            self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._settle_all)
        except RuntimeError:
            # The loop was closed: nobody waits for an answer any more.
            return

    def _settle_all(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, deque()
            self._woken = False
        for answered in arrived:
            answered()
