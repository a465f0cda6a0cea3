"""Commands for many keys: as bytes the same as one by one, and their answers back in place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.redis_commands import command, packed_word
from stores.redis_errors import ResponseError
from stores.redis_options import Address
from stores.redis_slots import SLOTS, Shard, SlotMap, slots_of
from stores.redis_spread import KeyTemplate, last_line, packed_spread, read_lines, with_words

KEYS = st.lists(st.integers(1, 2**63 - 1).map(lambda one: b"tl:{%d}" % one), min_size=1, max_size=20)


@given(keys=KEYS, last=st.integers(0, 2**63 - 1))
def test_a_spread_goes_out_as_its_commands_one_by_one(keys: list[bytes], last: int) -> None:
    plain, longer = KeyTemplate(b"LPUSHX", keys), KeyTemplate(b"LREM", keys, 1)
    one_by_one = [command(b"LPUSHX", key, last).packed for key in keys]
    assert packed_spread(plain.prefixes, last) == b"".join(one_by_one)
    assert [plain.command(i, last).packed for i in range(len(keys))] == one_by_one
    assert longer.command(0, last).packed == command(b"LREM", keys[0], 1, last).packed
    whole = KeyTemplate.whole(one_by_one)
    assert packed_spread(whole.prefixes, None) == b"".join(one_by_one)
    assert [whole.command(i, None).packed for i in range(len(keys))] == one_by_one


@given(keys=KEYS, words=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=120))
def test_a_templates_command_may_end_in_several_words(keys: list[bytes], words: list[int]) -> None:
    plain, longer = KeyTemplate(b"LPUSHX", keys), KeyTemplate(b"LREM", keys, 1)
    packed = [packed_word(word) for word in words]
    assert with_words(plain.prefixes[0], packed) == command(b"LPUSHX", keys[0], *words).packed
    assert with_words(longer.prefixes[0], packed) == command(b"LREM", keys[0], 1, *words).packed


def shards(owners: list[int]) -> SlotMap:
    addresses = [Address("127.0.0.1", port) for port in (1, 2, 3)]
    return SlotMap(tuple(Shard(one, (), b"") for one in addresses), tuple(owners))


def test_parts_are_those_of_the_keys_slots_and_change_with_them() -> None:
    keys = [b"tl:{%d}" % viewer for viewer in range(1, 200)]
    template = KeyTemplate(b"LPUSHX", keys)
    for turn in range(3):
        slot_map = shards([(slot + turn) % 3 for slot in range(SLOTS)])
        parts = template.parts(slot_map)
        assert template.parts(slot_map) is parts
        assert sorted(np.concatenate([part.positions for part in parts]).tolist()) == list(range(199))
        for part in parts:
            mine = [keys[i] for i in part.positions.tolist()]
            assert {slot_map.owners[slot] for slot in slots_of(mine)} == {part.owner}
            assert part.prefixes == [template.prefixes[i] for i in part.positions.tolist()]


def test_a_template_without_keys_has_no_parts() -> None:
    assert KeyTemplate(b"LPUSHX", []).parts(shards([0] * SLOTS)) == []


@given(st.lists(st.integers(-5, 2**63 - 1), min_size=1), st.integers(0, 3))
def test_numbers_come_back_as_they_were(numbers: list[int], further: int) -> None:
    raw = b"".join(b":%d\r\n" % one for one in numbers) + b":7\r\n" * further
    lines = read_lines(raw, len(numbers))
    assert lines.numbers.tolist() == numbers
    assert lines.numbers.dtype == np.int64
    assert lines.errors == {}


def test_an_error_stands_at_its_place_among_the_numbers() -> None:
    raw = b":3\r\n-WRONGTYPE no list\r\n:4\r\n+OK\r\n:1\r\n"
    lines = read_lines(raw, 3)
    assert lines.numbers.tolist() == [3, 0, 4]
    assert [(i, str(error)) for i, error in lines.errors.items()] == [(1, "WRONGTYPE no list")]
    assert last_line(raw) == 1
    assert isinstance(last_line(b"-NOREPLICAS\r\n"), ResponseError)


def test_an_answer_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="unmatched"):
        read_lines(b":1\r\n+OK\r\n", 2)
