"""Reading a timeline's list: whatever stands in it, the ids come out newest first, each once."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ids import MAX_ID
from timelines.layout import CAPACITY, parse_timeline, timeline_key

IDS = st.lists(st.integers(2, MAX_ID), max_size=60)


@given(ids=IDS, sentinel=st.sampled_from([b"0", b"1", None]))
def test_any_list_reads_as_its_distinct_ids_newest_first(ids: list[int], sentinel: bytes | None) -> None:
    items = [b"%d" % one for one in ids] + ([] if sentinel is None else [sentinel])
    parsed = parse_timeline(items)
    assert parsed.ids.tolist() == sorted(set(ids), reverse=True)
    assert parsed.ids.dtype == np.int64
    assert parsed.complete == (sentinel == b"0")


def test_the_share_of_a_list_that_is_not_there_twice() -> None:
    assert parse_timeline([b"9", b"8", b"0"]).distinct == 1.0
    assert parse_timeline([b"8", b"9", b"0"]).distinct == 1.0
    assert parse_timeline([b"9", b"8", b"8", b"9", b"0"]).distinct == 0.5
    assert parse_timeline([b"0"]).distinct == parse_timeline([]).distinct == 1.0


def test_neighbours_beyond_doubles_stay_apart() -> None:
    assert parse_timeline([b"%d" % MAX_ID, b"%d" % (MAX_ID - 1), b"0"]).ids.tolist() == [MAX_ID, MAX_ID - 1]


def test_a_list_is_read_no_deeper_than_it_is_complete() -> None:
    ids = list(range(1_000, 1_000 + CAPACITY + 50))
    items = [b"%d" % one for one in random.Random(1).sample(ids, len(ids))]
    parsed = parse_timeline([*items, b"0"])
    assert parsed.ids.tolist() == ids[::-1][:CAPACITY]


def test_no_list_is_incomplete_and_empty() -> None:
    parsed = parse_timeline([])
    assert (parsed.ids.tolist(), parsed.complete) == ([], False)


def test_a_sentinel_that_is_not_last_completes_nothing() -> None:
    parsed = parse_timeline([b"0", b"7"])
    assert (parsed.ids.tolist(), parsed.complete) == ([7], False)


def test_the_key_has_the_viewer_in_a_hash_tag() -> None:
    assert timeline_key(42) == b"tl:{42}"
