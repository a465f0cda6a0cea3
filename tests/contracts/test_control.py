"""ControlStore: compare-and-set, machine numbers that two owners never hold, and id mappings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from core.errors import Unavailable
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE
from stores.ports import MachineLease, Versioned
from tests.contracts.engines import CassandraEngine, Engine, SqliteEngine, Stack
from tests.fakes import FakeClock

TTL_MS = 10_000


async def lease(stack: Stack, clock: FakeClock, owner: str) -> MachineLease:
    return await stack.control.lease_machine(owner, now_ms=clock.now_ms(), ttl_ms=TTL_MS)


async def renew(stack: Stack, clock: FakeClock, owner: str, last_ms: int = 0) -> bool:
    return await stack.control.renew_machine(owner, now_ms=clock.now_ms(), ttl_ms=TTL_MS, last_ms=last_ms)


def node(held: MachineLease) -> tuple[int, int]:
    return held.datacenter, held.machine


async def test_a_document_is_written_where_its_version_is_the_expected_one(stack: Stack) -> None:
    assert await stack.control.get("alias") is None
    assert not await stack.control.compare_and_set("alias", b"early", expected=1)
    assert await stack.control.compare_and_set("alias", b"one", expected=0)
    assert await stack.control.get("alias") == Versioned(b"one", 1)
    assert not await stack.control.compare_and_set("alias", b"again", expected=0)
    assert await stack.control.compare_and_set("alias", b"", expected=1)
    assert await stack.control.get("alias") == Versioned(b"", 2)
    assert not await stack.control.compare_and_set("alias", b"late", expected=1)
    assert await stack.control.get("Alias") is None


@pytest.mark.parametrize("expected", [0, 1])
async def test_of_many_at_once_one_wins(
    stack: Stack, engine: Engine, clock: FakeClock, expected: int
) -> None:
    if expected:
        await stack.control.compare_and_set("k", b"before", expected=0)
    async with engine.open(clock) as other:
        won = await asyncio.gather(
            *(
                (other if number % 2 else stack).control.compare_and_set(
                    "k", b"%d" % number, expected=expected
                )
                for number in range(30)
            )
        )
    assert won.count(True) == 1
    assert await stack.control.get("k") == Versioned(b"%d" % won.index(True), expected + 1)


async def test_concurrent_owners_never_share_a_number(stack: Stack, engine: Engine, clock: FakeClock) -> None:
    async with engine.open(clock) as other:
        held = await asyncio.gather(
            *(lease(other if number % 2 else stack, clock, f"owner {number}") for number in range(40))
        )
    assert len({node(one) for one in held}) == 40
    assert all(one.last_ms == 0 for one in held)


@pytest.mark.parametrize(
    "engine",
    # A thousand leases, each of which looks at those before it: half a minute.
    [SqliteEngine.name, pytest.param(CassandraEngine.name, marks=pytest.mark.torture)],
    indirect=True,
)
async def test_every_number_but_the_importers_is_given_out_and_then_none(
    stack: Stack, clock: FakeClock
) -> None:
    held = await asyncio.gather(*(lease(stack, clock, f"owner {number}") for number in range(1023)))
    nodes = {node(one) for one in held}
    assert len(nodes) == 1023
    assert (IMPORTER_DATACENTER, IMPORTER_MACHINE) not in nodes
    with pytest.raises(Unavailable, match="leased"):
        await lease(stack, clock, "one too many")
    await stack.control.release_machine("owner 17", last_ms=clock.now_ms())
    clock.advance(1)
    assert node(await lease(stack, clock, "one too many")) == node(held[17])


async def test_a_lease_holds_for_its_time_and_is_then_anothers(stack: Stack, clock: FakeClock) -> None:
    first = await lease(stack, clock, "first")
    clock.advance(TTL_MS)
    assert node(await lease(stack, clock, "second")) != node(first)
    clock.advance(1)
    third = await lease(stack, clock, "third")
    assert node(third) == node(first)
    # Whatever the first may have minted until its time was over is older.
    assert third.last_ms >= clock.now_ms() - 1
    assert not await renew(stack, clock, "first")


async def test_a_renewed_lease_stays_its_owners(stack: Stack, clock: FakeClock) -> None:
    first = await lease(stack, clock, "first")
    for _ in range(5):
        clock.advance(TTL_MS // 2)
        assert await renew(stack, clock, "first")
        assert node(await lease(stack, clock, "other")) != node(first)
    assert not await renew(stack, clock, "nobody")


async def test_asking_again_after_an_answer_that_was_lost_leaves_one_lease(
    stack: Stack, clock: FakeClock
) -> None:
    first = await lease(stack, clock, "owner")
    second = await lease(stack, clock, "owner")
    assert await renew(stack, clock, "owner")
    assert node(await lease(stack, clock, "other")) not in {node(first), node(second)}
    clock.advance(TTL_MS)
    assert await renew(stack, clock, "owner")
    clock.advance(1)
    assert node(await lease(stack, clock, "third")) != node(second)


async def test_a_released_number_starts_after_its_last_id(stack: Stack, clock: FakeClock) -> None:
    first = await lease(stack, clock, "first")
    ahead_ms = clock.now_ms() + 5_000
    await stack.control.release_machine("first", last_ms=ahead_ms)
    clock.advance(5_000)
    assert node(await lease(stack, clock, "early")) != node(first)
    clock.advance(1)
    again = await lease(stack, clock, "second")
    assert node(again) == node(first)
    assert again.last_ms == ahead_ms
    assert not await renew(stack, clock, "first")


async def test_a_release_twice_or_by_a_stranger_takes_nothing_from_anyone(
    stack: Stack, clock: FakeClock
) -> None:
    first = await lease(stack, clock, "first")
    await stack.control.release_machine("first", last_ms=clock.now_ms())
    clock.advance(1)
    second = await lease(stack, clock, "second")
    assert node(second) == node(first)
    await stack.control.release_machine("first", last_ms=clock.now_ms())
    await stack.control.release_machine("stranger", last_ms=clock.now_ms())
    assert await renew(stack, clock, "second")


async def test_a_number_minted_in_the_future_is_not_given_out_while_the_clock_is_behind(
    stack: Stack, clock: FakeClock
) -> None:
    first = await lease(stack, clock, "first")
    assert await renew(stack, clock, "first", last_ms=clock.now_ms())
    await stack.control.release_machine("first", last_ms=clock.now_ms())
    clock.step_wall(-3_600_000)
    assert node(await lease(stack, clock, "second")) != node(first)


async def test_a_clock_that_steps_back_does_not_cut_a_lease_short(stack: Stack, clock: FakeClock) -> None:
    first = await lease(stack, clock, "first")
    clock.step_wall(-3_600_000)
    assert await renew(stack, clock, "first")
    # Another machine, whose clock is right, asks within the time that was promised at first.
    clock.step_wall(3_600_000)
    clock.advance(TTL_MS - 1)
    assert node(await lease(stack, clock, "second")) != node(first)


async def test_leases_survive_a_restart(engine: Engine, clock: FakeClock) -> None:
    async with engine.open(clock) as before:
        first = await lease(before, clock, "first")
    async with engine.open(clock) as after:
        assert node(await lease(after, clock, "second")) != node(first)
        assert await renew(after, clock, "first")


def minting(start: int) -> tuple[list[int], Callable[[int], int]]:
    """Counts up from `start`, and notes the positions that it was asked for."""
    asked: list[int] = []

    def mint(position: int) -> int:
        asked.append(position)
        return start + len(asked)

    return asked, mint


async def test_an_external_id_is_mapped_once_and_for_ever(stack: Stack) -> None:
    asked, mint = minting(100)
    ids = await stack.control.map_external_ids("authors", ["a", "b", "a"], mint)
    assert ids.dtype == np.int64
    assert ids.tolist() == [101, 102, 101]
    assert asked == [0, 1]
    again, mint_again = minting(200)
    mapped = await stack.control.map_external_ids("authors", ["c", "b", "a"], mint_again)
    assert mapped.tolist() == [201, 102, 101]
    assert again == [0]


async def test_namespaces_do_not_know_each_other(stack: Stack) -> None:
    await stack.control.map_external_ids("authors", ["1"], minting(100)[1])
    mapped = await stack.control.map_external_ids("viewers", ["1"], minting(200)[1])
    assert mapped.tolist() == [201]


async def test_no_external_ids_map_to_an_empty_array(stack: Stack) -> None:
    ids = await stack.control.map_external_ids("authors", [], minting(0)[1])
    assert ids.dtype == np.int64
    assert ids.shape == (0,)


async def test_any_text_may_be_an_external_id_and_is_compared_exactly(stack: Stack) -> None:
    external = [
        "",
        " ",
        "a",
        "A",
        "a\0b",
        "a\0c",
        "ü",
        "u\u0308",
        "🎉",
        '"',
        "%",
        "1",
        "01",
        "1.0",
        "x" * 500,
    ]
    first = await stack.control.map_external_ids("authors", external, minting(100)[1])
    assert len(set(first.tolist())) == len(external)
    second = await stack.control.map_external_ids("authors", external, minting(900)[1])
    assert second.tolist() == first.tolist()


async def test_two_importers_at_once_agree(stack: Stack, engine: Engine, clock: FakeClock) -> None:
    external = [str(number) for number in range(2_000)]
    async with engine.open(clock) as other:
        ours, theirs = await asyncio.gather(
            stack.control.map_external_ids("authors", external, minting(10_000)[1]),
            other.control.map_external_ids("authors", external, minting(90_000)[1]),
        )
    assert ours.tolist() == theirs.tolist()


async def test_a_mint_that_fails_maps_nothing(stack: Stack) -> None:
    def failing(position: int) -> int:
        if position == 1:
            raise ValueError("no ids left")
        return 100

    with pytest.raises(ValueError, match="no ids left"):
        await stack.control.map_external_ids("authors", ["a", "b"], failing)
    ids = await stack.control.map_external_ids("authors", ["a"], minting(500)[1])
    assert ids.tolist() == [501]
