"""Clients who ask again when nobody answers, and how many were asking at each death of a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.e2e.people import Person


class Stubborn:
    """`deaths` says how often the server has died by now; `broken_off` what each of them broke off:
    the requests that were under way when it was seen first. Who is `patient` asks again where a
    server says that it has too much to do; else that is an answer."""

    def __init__(self, deaths: Callable[[], int] = lambda: 0, *, patient: bool = False) -> None:
        self.broken_off: list[int] = []
        self._patient = patient
        self._deaths = deaths
        self._under_way = 0

    def look(self) -> None:
        """Counts the deaths since it was called last."""
        unseen = self._deaths() - len(self.broken_off)
        self.broken_off += [self._under_way] * unseen

    async def ask(self, person: Person, method: str, path: str, **options: Any) -> tuple[httpx.Response, int]:
        """The answer, and how often it had to be asked for."""
        tries = 1
        while (answer := await self._once(person, method, path, **options)) is None:
            tries += 1
        return answer, tries

    async def _once(self, person: Person, method: str, path: str, **options: Any) -> httpx.Response | None:
        self._under_way += 1
        # Requests that wait in the listener's queue do not notice a death; and all of them notice long
        # before the next process serves, so that the first to look speaks for it.
        self.look()
        try:
            answer = await person.call(method, path, **options)
            if answer.status_code != 503 or not self._patient:
                return answer
            # Everybody at once, just after a start: too much for now, and said so.
            assert "Retry-After" in answer.headers
        except httpx.TransportError:
            self.look()
        finally:
            self._under_way -= 1
        return None
