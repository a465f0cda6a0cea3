"""Slots as Redis counts them, and what its nodes say of who has which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from stores.redis_errors import ResponseError
from stores.redis_options import Address
from stores.redis_slots import NOBODY, SLOTS, SlotMap, redirect_of, slots_of, tag_of

ASKED = Address("10.0.0.9", 7000)


@given(st.binary() | st.lists(st.sampled_from([b"{", b"}", b"a", b"tl:", b"17"])).map(b"".join))
def test_slots_are_those_of_redis(key: bytes) -> None:
    assert slots_of([key]) == [key_slot(key)]


@pytest.mark.parametrize("slot", [0, 1, 5_461, 10_923, SLOTS - 1])
def test_a_tag_is_in_its_slot(slot: int) -> None:
    assert slots_of([b"f:epoch:{%b}" % tag_of(slot)]) == [slot]


def test_a_map_has_shards_by_their_lowest_slot_whoever_tells_it() -> None:
    first, second = [b"10.0.0.1", 7000, b"id"], [b"10.0.0.2", 7000, b"id"]
    replica = [b"10.0.0.3", 7001, b"id"]
    told = SlotMap.parse([[9, 100, second, replica], [0, 4, first], [6, 8, first]], ASKED)
    same = SlotMap.parse([[0, 4, first], [9, 100, second, replica], [6, 8, first]], ASKED)
    assert told is not None
    assert same is not None
    assert told.shards == same.shards
    assert [(shard.primary.host, len(shard.replicas)) for shard in told.shards] == [
        ("10.0.0.1", 0),
        ("10.0.0.2", 1),
    ]
    assert [shard.tag for shard in told.shards] == [tag_of(0), tag_of(9)]
    assert told.owners[:11] == (0, 0, 0, 0, 0, NOBODY, 0, 0, 0, 1, 1)
    assert not told.whole


def test_a_node_without_a_name_is_where_we_asked_and_one_without_slots_tells_nothing() -> None:
    told = SlotMap.parse([[0, SLOTS - 1, [b"", 7002, b"id"], [None, 7003, b"id"]]], ASKED)
    assert told is not None
    assert told.whole
    assert told.shards[0][:2] == (Address("10.0.0.9", 7002), (Address("10.0.0.9", 7003),))
    assert SlotMap.parse([], ASKED) is None


def test_keys_are_grouped_by_shard_in_their_order() -> None:
    told = SlotMap.parse([[0, 8_191, [b"a", 1, b""]], [8_192, SLOTS - 1, [b"b", 1, b""]]], ASKED)
    assert told is not None
    keys = [b"tw:%d" % number for number in range(50)]
    groups = told.group(keys)
    assert sorted(position for positions in groups.values() for position in positions) == list(range(50))
    for shard, positions in groups.items():
        assert positions == sorted(positions)
        assert {key_slot(keys[position]) // 8_192 for position in positions} == {shard}


@pytest.mark.parametrize(
    ("said", "lasting", "to"),
    [
        ("MOVED 3999 127.0.0.1:6381", True, Address("127.0.0.1", 6381)),
        ("ASK 3999 ::1:6381", False, Address("::1", 6381)),
        ("MOVED 3999 :6381", True, Address("10.0.0.9", 6381)),
        ("MOVED 3999 ?:6381", True, Address("10.0.0.9", 6381)),
    ],
)
def test_redirections_say_where_to(said: str, lasting: bool, to: Address) -> None:
    assert redirect_of(ResponseError(said), ASKED) == (lasting, to)


@pytest.mark.parametrize("said", ["ERR no such key", "MOVED", "WRONGTYPE Operation against a key"])
def test_other_errors_are_no_redirections(said: str) -> None:
    assert redirect_of(ResponseError(said), ASKED) is None
