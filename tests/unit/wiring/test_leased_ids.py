"""Ids under a lease: what goes wrong beside it comes out as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import LeaseLost, NotFound
from stores.ports import ControlStore
from wiring import resources
from wiring.home import Home
from wiring.resources import leased_ids, open_files


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlStore]:
    with open_files(Home(tmp_path), SystemClock()) as stores:
        yield stores.control


async def test_an_error_of_the_work_comes_out_as_it_was_raised(control: ControlStore) -> None:
    cause = ValueError("why")

    async def work() -> None:
        async with leased_ids(control, SystemClock()) as mint:
            assert mint() > 0
            raise NotFound("nothing there") from cause

    with pytest.raises(NotFound, match="nothing there") as raised:
        await work()
    assert raised.value.__cause__ is cause


async def test_a_lost_lease_ends_the_work_and_says_so(
    control: ControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "LEASE_RENEWAL_S", 0.01)

    async def not_ours(*arguments: object, **options: object) -> bool:
        return False

    async def work() -> None:
        async with leased_ids(control, SystemClock()):
            await asyncio.Event().wait()

    monkeypatch.setattr(control, "renew_machine", not_ours)
    with pytest.raises(LeaseLost, match="has to start anew"):
        await work()
