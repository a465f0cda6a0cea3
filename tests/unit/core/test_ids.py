"""Ids: strictly rising whatever the clock does, and a strict reading of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidId, LeaseLost
from core.ids import (
    EPOCH_MS,
    MAX_ID,
    MAX_TIME_MS,
    SnowflakeGenerator,
    compose_id,
    id_time_ms,
    parse_id,
    uuid7,
    uuid7_time_ms,
)
from tests.fakes import FakeClock

NOW_MS = 1_700_000_000_000


def forever() -> float:
    return float("inf")


def generator(
    clock: FakeClock, *, held_until_s: Callable[[], float] = forever, after_ms: int = 0
) -> SnowflakeGenerator:
    return SnowflakeGenerator(3, 7, clock, held_until_s, after_ms)


@given(st.integers(1, MAX_ID))
def test_every_id_is_read_back(value: int) -> None:
    assert parse_id(str(value), field="tweet_id") == value


@given(st.text(max_size=25))
def test_nothing_but_a_plain_decimal_is_an_id(text: str) -> None:
    plain = (
        text.isascii()
        and text.isdigit()
        and not text.startswith("0")
        and len(text) <= 19
        and int(text) <= MAX_ID
    )
    if plain:
        assert parse_id(text, field="user_id") == int(text)
    else:
        with pytest.raises(InvalidId):
            parse_id(text, field="user_id")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "+1",
        "01",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "1.0",
        "1e3",
        "0x1",
        "\u0663",
        "\uff11",
        str(MAX_ID + 1),
        "9" * 20,
    ],
)
def test_a_bad_id_names_its_field(text: str) -> None:
    with pytest.raises(InvalidId) as caught:
        parse_id(text, field="followee_id")
    assert caught.value.field == "followee_id"
    assert caught.value.code == "invalid_id"
    assert caught.value.limit == str(MAX_ID)


@given(st.integers(EPOCH_MS, MAX_TIME_MS), st.integers(0, 31), st.integers(0, 31), st.integers(0, 4095))
def test_an_id_keeps_its_time(at_ms: int, datacenter: int, machine: int, sequence: int) -> None:
    value = compose_id(at_ms, datacenter, machine, sequence)
    assert 0 <= value <= MAX_ID
    assert id_time_ms(value) == at_ms
    assert compose_id(at_ms, 0, 0, 0) <= value <= compose_id(at_ms, 31, 31, 4095)


def test_twitters_own_ids_keep_their_time() -> None:
    # The example of Twitter's documentation of the tweet object: "Wed Oct 10 20:19:24 +0000 2018".
    assert id_time_ms(1_050_118_621_198_921_728) // 1000 == 1_539_202_764


@pytest.mark.parametrize(
    ("at_ms", "datacenter", "machine", "sequence"),
    [
        (EPOCH_MS - 1, 0, 0, 0),
        (MAX_TIME_MS + 1, 0, 0, 0),
        (NOW_MS, 32, 0, 0),
        (NOW_MS, -1, 0, 0),
        (NOW_MS, 0, 32, 0),
        (NOW_MS, 0, -1, 0),
        (NOW_MS, 0, 0, 4096),
        (NOW_MS, 0, 0, -1),
    ],
)
def test_parts_that_do_not_fit_are_refused(at_ms: int, datacenter: int, machine: int, sequence: int) -> None:
    with pytest.raises(ValueError, match=r"Snowflake|out of range"):
        compose_id(at_ms, datacenter, machine, sequence)


def test_a_number_out_of_range_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="out of range"):
        SnowflakeGenerator(0, 32, FakeClock(), forever)


def test_an_id_says_when_and_where_it_was_minted() -> None:
    value = generator(FakeClock(NOW_MS)).mint()
    assert value == compose_id(NOW_MS, 3, 7, 0)


def test_more_ids_than_a_millisecond_holds_run_ahead_of_the_clock() -> None:
    clock = FakeClock(NOW_MS)
    minting = generator(clock)
    ids = [minting.mint() for _ in range(3 * 4096 + 1)]
    assert ids == sorted(set(ids))
    assert id_time_ms(ids[-1]) == minting.last_ms == NOW_MS + 3
    clock.advance(10)
    assert id_time_ms(minting.mint()) == NOW_MS + 10


@given(st.lists(st.integers(-5_000, 50), min_size=1, max_size=60))
def test_ids_rise_strictly_whatever_the_clock_does(steps: list[int]) -> None:
    clock = FakeClock(NOW_MS)
    minting = generator(clock)
    ids = [minting.mint()]
    for step in steps:
        clock.step_wall(step)
        ids.append(minting.mint())
    assert ids == sorted(set(ids))
    assert all(id_time_ms(value) <= minting.last_ms for value in ids)


def test_a_clock_of_before_the_epoch_mints_no_negative_ids() -> None:
    minting = generator(FakeClock(now_ms=0))
    first, second = minting.mint(), minting.mint()
    assert 0 < first < second


@pytest.mark.parametrize("clock_ms", [NOW_MS - 3_600_000, NOW_MS - 1, NOW_MS])
def test_the_former_holders_last_millisecond_is_never_used_again(clock_ms: int) -> None:
    former = generator(FakeClock(NOW_MS))
    theirs = {former.mint() for _ in range(4096)}
    ours = generator(FakeClock(clock_ms), after_ms=former.last_ms)
    minted = [ours.mint() for _ in range(5000)]
    assert theirs.isdisjoint(minted)
    assert minted == sorted(set(minted))
    assert id_time_ms(minted[0]) == NOW_MS + 1


def test_nothing_is_minted_once_the_lease_has_run_out() -> None:
    clock = FakeClock(NOW_MS)
    until_s = clock.monotonic_s() + 5.0
    minting = generator(clock, held_until_s=lambda: until_s)
    minting.mint()
    clock.advance(4_999)
    last = minting.mint()
    clock.advance(1)
    with pytest.raises(LeaseLost):
        minting.mint()
    until_s += 5.0
    assert minting.mint() > last


def test_a_process_stopped_while_it_mints_does_not_mint_in_the_next_holders_time() -> None:
    class StoppedClock(FakeClock):
        """Ten seconds pass between the first look at a clock and the second."""

        def now_ms(self) -> int:
            now_ms = super().now_ms()
            self.advance(10_000)
            return now_ms

        def monotonic_s(self) -> float:
            now_s = super().monotonic_s()
            self.advance(10_000)
            return now_s

    clock = StoppedClock(NOW_MS, monotonic_s=0.0)
    with pytest.raises(LeaseLost):
        generator(clock, held_until_s=lambda: 5.0).mint()


def test_threads_never_share_an_id() -> None:
    minting = generator(FakeClock(NOW_MS))
    with ThreadPoolExecutor(4) as threads:
        ids = [
            value
            for part in threads.map(lambda _: [minting.mint() for _ in range(3_000)], range(4))
            for value in part
        ]
    assert len(set(ids)) == len(ids)


@given(st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 74) - 1))
def test_a_request_id_is_a_uuid_of_version_7(at_ms: int, random_bits: int) -> None:
    value = uuid7(at_ms, random_bits)
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    assert uuid7_time_ms(value) == at_ms


@given(st.integers(0, (1 << 74) - 1), st.integers(0, (1 << 74) - 1))
def test_every_random_bit_counts(one: int, other: int) -> None:
    assert (uuid7(NOW_MS, one) == uuid7(NOW_MS, other)) == (one == other)
