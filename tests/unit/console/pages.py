"""The console's pages in this process, on neighbours in memory: what is drawn, without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from nicegui import Client, ui
from nicegui.testing import User as Visitor
from nicegui.testing import UserInteraction, user_simulation

from console.app import register_pages
from console.backend import Backend
from core.clock import utc_day
from core.errors import Unavailable
from core.types import User
from ranking.explain import Explainer
from ranking.registry import Registry
from stores.ports import ControlStore, Ids
from tests.unit.console.stack_seen import StackSeen
from tests.unit.ranking.feed_world import FeedWorld
from tests.unit.ranking.registry_world import FakeControl


class FakePeople:
    """Profiles; `here` were here today."""

    def __init__(self, users: Mapping[int, User]) -> None:
        self.users = users
        self.here: list[int] = []
        self.away = False

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        return {one: self.users[one] for one in user_ids if one in self._there()}

    async def with_handle(self, handle: str) -> User | None:
        named = (one for one in self._there().values() if one.handle.casefold() == handle.casefold())
        return next(named, None)

    async def active(self, day: int, *, after: int, limit: int) -> Ids:
        ids = sorted(one for one in self.here if one > after) if day == self.day else []
        return np.array(ids[:limit], np.int64)

    async def everybody(self, *, after: int, limit: int) -> Ids:
        return np.array(sorted(one for one in self._there() if one > after)[:limit], np.int64)

    day = 0

    def _there(self) -> Mapping[int, User]:
        if self.away:
            raise Unavailable("the store is away")
        return self.users


class Pages:
    """The pages over a feed world, and who visits them."""

    def __init__(self, world: FeedWorld, models: Path, visitor: Visitor) -> None:
        self.people = FakePeople(world.users.users)
        self.people.day = utc_day(world.clock.now_ms())
        self.stack = StackSeen()
        self._visitor = visitor
        control = cast(ControlStore, FakeControl())
        register_pages(
            Backend(
                clock=world.clock,
                users=cast(Any, self.people),
                explainer=Explainer(world.timelines, world.pipeline, world.users, world.clock, 8),
                registry=Registry(control, models, world.clock, None, by="a test"),
                models=models,
                vitals=self.stack.vitals,
            )
        )

    async def open(self, path: str) -> None:
        await self._visitor.open(path)

    async def fetch(self, path: str) -> tuple[int, str]:
        """What a browser is sent first, and its status."""
        answer = await self._visitor.http_client.get(path)
        return answer.status_code, answer.text

    def all(self, testid: str) -> list[ui.element]:
        """The elements that are marked so, in the order of the page."""
        return [one for one in self._elements() if one.props.get("data-testid") == testid]

    def one(self, testid: str) -> Any:
        (found,) = self.all(testid)
        return found

    def words(self, within: ui.element | None = None) -> str:
        """All that is written on the page, or within an element; HTML as it is."""
        elements = self._elements() if within is None else within.descendants(include_self=True)
        return " ".join(_text(one) for one in elements if one.visible)

    def shown(self, column: str) -> list[int]:
        """The tweet ids of a column, from its top."""
        marks = [str(one.props.get("data-testid")) for one in self.one(column).descendants()]
        return [int(mark.removeprefix("item-")) for mark in marks if mark.startswith("item-")]

    def click(self, element: ui.element) -> None:
        UserInteraction(self._visitor, {element}, None).click()

    def set(self, testid: str, value: float) -> None:
        """As somebody does who moves a slider or types a number."""
        with self._client:
            self.one(testid).value = value

    @property
    def _client(self) -> Client:
        assert self._visitor.client is not None
        return self._visitor.client

    def _elements(self) -> Iterator[ui.element]:
        yield from self._client.layout.descendants(include_self=True)


def _text(element: ui.element) -> str:
    said = (getattr(element, name, "") for name in ("text", "content"))
    return " ".join(str(one) for one in said if one)


@asynccontextmanager
async def pages_of(world: FeedWorld, models: Path) -> AsyncIterator[Pages]:
    async with user_simulation() as visitor:
        try:
            yield Pages(world, models, visitor)
        finally:
            # NiceGUI would have every module that made a page imported anew.
            Client.page_routes.clear()
