"""Viewers to look at: some to begin with, and whoever is named."""

from __future__ import annotations

from console.backend import Backend
from core.clock import utc_day
from core.errors import NotFound
from core.ids import MAX_ID
from core.types import User
from stores.ports import Ids

SOME = 12
_ASKED = 200
_DAYS = 7
_LONGEST = 100
"""Of what somebody typed; no handle is that long."""


async def some_people(backend: Backend) -> list[User]:
    """Who was here last, newest day first; where nobody was, any who have a profile. Raises Unavailable."""
    found: dict[int, User] = {}
    today = utc_day(backend.clock.now_ms())
    for day in range(today, today - _DAYS, -1):
        ids = await backend.users.active(day, after=0, limit=_ASKED)
        found |= await _profiles(backend, ids)
        if len(found) >= SOME:
            break
    if len(found) < SOME:
        found |= await _profiles(backend, await backend.users.everybody(after=0, limit=_ASKED))
    return list(found.values())[:SOME]


async def find_person(backend: Backend, said: str) -> User:
    """By id, or by handle with or without an @. Raises NotFound, in words for who looked; Unavailable."""
    words = said.strip().removeprefix("@")[:_LONGEST]
    if words.isascii() and words.isdigit() and 0 < int(words) <= MAX_ID:
        found = (await backend.users.get_many([int(words)])).get(int(words))
        if found is not None:
            return found
    found = await backend.users.with_handle(words) if words else None
    if found is None:
        raise NotFound(f"there is nobody with the handle or the id '{words}'", field="viewer")
    return found


async def _profiles(backend: Backend, ids: Ids) -> dict[int, User]:
    return dict(await backend.users.get_many(ids.tolist())) if len(ids) else {}
