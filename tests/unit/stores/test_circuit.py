"""A circuit opens after timeouts in a row, lets one probe through at a time, and closes by an answer."""

from __future__ import annotations

import random

import pytest

from stores.circuit import FAILURES, OPEN_S, OPEN_SPREAD_S, Circuit
from tests.fakes import FakeClock

OPEN_MS = int((OPEN_S + OPEN_SPREAD_S) * 1000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def circuit(clock: FakeClock) -> Circuit:
    return Circuit("test", clock, random.Random(1))


def opened(circuit: Circuit) -> Circuit:
    for _ in range(FAILURES):
        assert circuit.admits()
        circuit.timed_out()
    assert not circuit.admits()
    return circuit


def test_a_few_timeouts_between_answers_are_none_of_its_business(circuit: Circuit) -> None:
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert circuit.admits()
            circuit.timed_out()
        assert circuit.admits()
        circuit.answered()
    assert circuit.admits()


def test_open_it_admits_nobody_until_its_time_is_up(circuit: Circuit, clock: FakeClock) -> None:
    opened(circuit)
    clock.advance(int(OPEN_S * 1000) - 1)
    assert not circuit.admits()
    clock.advance(OPEN_MS)
    assert circuit.admits()


def test_half_open_it_admits_one_at_a_time(circuit: Circuit, clock: FakeClock) -> None:
    opened(circuit)
    clock.advance(OPEN_MS)
    assert [circuit.admits() for _ in range(5)] == [True, False, False, False, False]
    circuit.answered()
    assert [circuit.admits() for _ in range(5)] == [True] * 5


def test_a_probe_in_vain_opens_it_again(circuit: Circuit, clock: FakeClock) -> None:
    opened(circuit)
    clock.advance(OPEN_MS)
    assert circuit.admits()
    circuit.timed_out()
    assert not circuit.admits()
    clock.advance(OPEN_MS)
    assert circuit.admits()


def test_a_probe_that_was_given_up_leaves_it_to_the_next(circuit: Circuit, clock: FakeClock) -> None:
    opened(circuit)
    clock.advance(OPEN_MS)
    assert circuit.admits()
    circuit.gave_up()
    assert circuit.admits()


def test_timeouts_from_before_do_not_keep_it_open(circuit: Circuit, clock: FakeClock) -> None:
    opened(circuit)
    clock.advance(OPEN_MS - 1)
    for _ in range(20):
        circuit.timed_out()
    clock.advance(1)
    assert circuit.admits()


def test_after_it_closed_it_takes_as_many_to_open_it_again(circuit: Circuit, clock: FakeClock) -> None:
    opened(circuit)
    clock.advance(OPEN_MS)
    assert circuit.admits()
    circuit.answered()
    opened(circuit)
