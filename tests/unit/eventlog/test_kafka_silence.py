"""A consumer that hears nothing says so; one that did not ask, or hears something, does not."""

from __future__ import annotations

import pytest

from core.errors import Unavailable
from eventlog.kafka_options import KafkaOptions
from eventlog.kafka_silence import Silence

OPTIONS = KafkaOptions("localhost:1", silence_s=5.0, drain_timeout_s=20.0, call_timeout_s=10.0)


def test_silence_is_told_once_it_lasts_and_again_after_as_long() -> None:
    silence = Silence(OPTIONS, "readers")
    silence.waited(1.0, [1_000, None])
    for _ in range(2):
        for _ in range(4):
            silence.waited(1.0, [1_000, None])
        with pytest.raises(Unavailable, match="no broker has answered group readers"):
            silence.waited(1.0, [1_000, None])


def test_one_broker_that_answers_is_enough() -> None:
    silence = Silence(OPTIONS, "readers")
    for now_ms in range(1_000, 21_000, 1_000):
        silence.waited(1.0, [500, now_ms])


def test_a_rebalance_may_take_as_long_as_a_batch_of_others() -> None:
    silence = Silence(OPTIONS, "readers")
    for _ in range(29):
        silence.waited_for_partitions(1.0)
    with pytest.raises(Unavailable, match="waits in vain"):
        silence.waited_for_partitions(1.0)
