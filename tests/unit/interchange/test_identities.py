from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.ids import EPOCH_MS, IMPORTER_DATACENTER, IMPORTER_MACHINE, compose_id, id_time_ms
from interchange.identities import Exists, Identities, allot, mapping_frame
from stores.ports import Ids, MachineLease, Versioned

MS = 1_650_000_000_000


def moments(*values: int) -> Ids:
    return np.array(values, np.int64)


@given(
    st.lists(st.lists(st.integers(MS, MS + 3), max_size=40), min_size=1, max_size=4),
    st.integers(0, 2_047),
)
def test_ids_are_distinct_in_their_moment_and_rise(streams: list[list[int]], salt: int) -> None:
    ids = allot([moments(*stream) for stream in streams], salt)
    assert [len(part) for part in ids] == [len(stream) for stream in streams]
    keyed = [
        (at_ms, number, place, int(ids[number][place]))
        for number, stream in enumerate(streams)
        for place, at_ms in enumerate(stream)
    ]
    ordered = [id_ for *_, id_ in sorted(keyed)]
    assert ordered == sorted(set(ordered))
    assert all(id_time_ms(id_) == at_ms for at_ms, *_, id_ in keyed)


def test_ids_carry_the_importers_number() -> None:
    ((first,),) = allot([moments(MS)], salt=5)
    assert first == compose_id(MS, IMPORTER_DATACENTER, IMPORTER_MACHINE, 5)


def test_a_full_millisecond_runs_over_into_the_next() -> None:
    (ids,) = allot([np.full(5_000, MS, np.int64)], salt=0)
    assert len(np.unique(ids)) == 5_000
    assert id_time_ms(int(ids[4_095])) == MS
    assert id_time_ms(int(ids[4_096])) == MS + 1


def test_a_moment_before_the_epoch_has_no_id() -> None:
    with pytest.raises(ValueError, match="outside"):
        allot([moments(EPOCH_MS - 1)], salt=0)


def test_no_streams_give_no_ids() -> None:
    assert [part.size for part in allot([moments(), moments()], 0)] == [0, 0]


class FakeControl:
    """The mapping in a dict; the other duties of a control store are not asked for."""

    def __init__(self) -> None:
        self.mapped: dict[tuple[str, str], int] = {}

    async def map_external_ids(
        self, namespace: str, external_ids: Sequence[str], mint: Callable[[int], int]
    ) -> Ids:
        for position, external in enumerate(external_ids):
            if (namespace, external) not in self.mapped:
                self.mapped[namespace, external] = mint(position)
        return moments(*(self.mapped[namespace, external] for external in external_ids))

    async def get(self, key: str) -> Versioned | None:
        raise NotImplementedError

    async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
        raise NotImplementedError

    async def lease_machine(self, owner: str, *, now_ms: int, ttl_ms: int) -> MachineLease:
        raise NotImplementedError

    async def renew_machine(self, owner: str, *, now_ms: int, ttl_ms: int, last_ms: int) -> bool:
        raise NotImplementedError

    async def release_machine(self, owner: str, *, last_ms: int) -> None:
        raise NotImplementedError


def stored(*taken: int) -> Exists:
    async def exists(ids: Ids) -> set[int]:
        return set(ids.tolist()) & set(taken)

    return exists


async def test_free_candidates_are_mapped_as_they_are() -> None:
    at_ms = moments(MS, MS, MS + 7)
    (candidates,) = allot([at_ms], 0)
    ids = await Identities(FakeControl(), 0).map("n", ["a", "b", "c"], at_ms, candidates, stored())
    assert ids.tolist() == candidates.tolist()


async def test_stored_mappings_win() -> None:
    control = FakeControl()
    control.mapped["n", "b"] = 42
    at_ms = moments(MS, MS)
    (candidates,) = allot([at_ms], 0)
    ids = await Identities(control, 0).map("n", ["a", "b"], at_ms, candidates, stored(42))
    assert ids.tolist() == [int(candidates[0]), 42]


async def test_taken_ids_are_stepped_aside_from() -> None:
    # The second's next place a second later is another's own candidate: it must move on again.
    at_ms = moments(MS, MS, MS + 1_000)
    (candidates,) = allot([at_ms], 0)
    ids = await Identities(FakeControl(), 0).map(
        "n", ["a", "b", "c"], at_ms, candidates, stored(int(candidates[0]), int(candidates[1]))
    )
    assert len(set(ids.tolist())) == 3
    assert not set(ids[:2].tolist()) & set(candidates.tolist())
    assert int(ids[2]) == int(candidates[2])
    assert all(id_time_ms(int(id_)) <= MS + 2_000 for id_ in ids)


def test_a_mapping_that_joins_two_things_is_refused() -> None:
    assert mapping_frame(pl.Series(["a", "b"]), moments(1, 2)).rows() == [("a", 1), ("b", 2)]
    with pytest.raises(ConfigurationError, match="two imports"):
        mapping_frame(pl.Series(["a", "b"]), moments(1, 1))
