"""The question before a change: asked for once it is made once, however often somebody says so."""

from __future__ import annotations

import asyncio

from nicegui import Client, ui
from nicegui.testing import UserInteraction, user_simulation

from console.model_change import ask
from core.errors import RankfeedError, Unavailable
from ranking.outcome import Outcome
from tests.e2e.waiting import eventually


async def test_who_presses_enter_twice_promotes_once() -> None:
    asked: list[str] = []
    heard: list[Outcome | RankfeedError] = []
    go_on = asyncio.Event()

    async def act(reason: str) -> Outcome:
        asked.append(reason)
        await go_on.wait()
        raise Unavailable("Redis is away")

    async def done(outcome: Outcome | RankfeedError) -> None:
        heard.append(outcome)

    async with user_simulation() as visitor:
        try:

            @ui.page("/ask")
            def page() -> None:
                ask("Promote?", ["It serves."], "Promote", act, done)

            await visitor.open("/ask")
            client = visitor.client
            assert client is not None
            marked = {str(one.props.get("data-testid")): one for one in client.layout.descendants()}
            reason, dialog = marked["reason"], marked["confirm"]
            assert isinstance(reason, ui.input)
            assert "persistent" not in dialog.props
            with client:
                reason.value = "better"
            for _ in range(2):
                UserInteraction(visitor, {reason}, None).trigger("keydown.enter")

            async def begun() -> bool:
                return bool(asked)

            await eventually("it has begun", begun)
            assert not reason.enabled
            assert dialog.props["persistent"]
            go_on.set()

            async def told() -> bool:
                return bool(heard)

            await eventually("it was told", told)
            assert asked == ["better"]
            assert [str(one) for one in heard] == ["Redis is away"]
        finally:
            Client.page_routes.clear()
