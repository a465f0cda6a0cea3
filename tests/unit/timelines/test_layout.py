"""Reading a timeline's list: whatever stands in it, the ids come out newest first, each once."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ids import MAX_ID
from timelines.layout import CAPACITY, MARK, SENTINELS, parse_head, parse_timeline, timeline_key

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


SMALL = st.integers(2, 40)


@given(
    pushed=st.lists(SMALL, max_size=6),
    ordered=st.sets(SMALL, min_size=1),
    sentinel=st.sampled_from(SENTINELS),
    size=st.integers(3, 12),
    enough=st.integers(1, 8),
)
def test_the_head_of_a_list_says_what_the_whole_says(
    pushed: list[int], ordered: set[int], sentinel: bytes, size: int, enough: int
) -> None:
    ids = [*(b"%d" % one for one in pushed), MARK, *(b"%d" % one for one in sorted(ordered, reverse=True))]
    head, whole = parse_head(ids[:size], sentinel, enough), parse_timeline([*ids, sentinel])
    if head is not None:
        assert whole.complete
        assert head.ids.tolist() == whole.ids.tolist()[: len(head.ids)]
        assert len(head.ids) >= enough


def test_a_head_out_of_the_ordinary_says_nothing() -> None:
    head = [b"9", b"8", MARK, b"7", b"6"]
    found = parse_head(head, b"0", 4)
    assert found is not None
    assert found.ids.tolist() == [9, 8, 7, 6]
    swapped = parse_head([b"8", b"9", *head[2:]], b"00", 4)
    assert swapped is not None
    assert swapped.ids.tolist() == [9, 8, 7, 6]
    for odd in ([b"5", *head], [b"7", *head], [b"9", *head], [b"x", *head], [*head[:-1], b"9"], head[:2]):
        assert parse_head(odd, b"0", 2) is None
    assert parse_head(head, b"1", 4) is parse_head(head, None, 4) is parse_head(head, b"0", 5) is None
