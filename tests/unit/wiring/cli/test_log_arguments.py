"""Saying where in the log."""

from __future__ import annotations

import click
import pytest

from core.clock import SystemClock
from eventlog.log import TopicPartition
from wiring.cli.log_arguments import TOPICS, Beginning, Since, place_of

MARCH_MS = 1_772_323_200_000
"""2026-03-01T00:00Z"""


@pytest.mark.parametrize("kind", [Since(), Beginning()])
def test_a_time_is_a_moment_or_how_long_ago(kind: click.ParamType[object]) -> None:
    assert kind.convert("2026-03-01T00:00Z", None, None) == MARCH_MS
    assert kind.convert("2026-03-01T08:00+08:00", None, None) == MARCH_MS
    now_ms = SystemClock().now_ms()
    for said, ms in (("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("7d", 604_800_000)):
        found = kind.convert(said, None, None)
        assert isinstance(found, int)
        assert now_ms - ms <= found <= SystemClock().now_ms() - ms
    assert kind.convert("999999999d", None, None) == 0


@pytest.mark.parametrize("kind", [Since(), Beginning()])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("2099-01-01T00:00Z", "still to come"),
        ("2026-03-01T00:00", "lacks its offset from UTC"),
        ("2026-03-41T00:00Z", "is no moment"),
        ("yesterday", "10m, 2h, 7d"),
        ("10 minutes", "10m, 2h, 7d"),
        ("", "10m, 2h, 7d"),
    ],
)
def test_what_is_no_time_is_refused(kind: click.ParamType[object], said: str, why: str) -> None:
    with pytest.raises(click.BadParameter, match=why):
        kind.convert(said, None, None)


def test_a_group_begins_at_the_oldest_or_at_entries() -> None:
    assert Beginning().convert("oldest", None, None) == 0
    assert Beginning().convert("tweets.v1/3@120, graph.v1/0@7", None, None) == {
        TopicPartition("tweets.v1", 3): 120,
        TopicPartition("graph.v1", 0): 7,
    }
    for topic in TOPICS:
        assert Beginning().convert(place_of(topic, 1, 2), None, None) == {TopicPartition(topic, 1): 2}
    for said in ("tweets.v1/3", "tweets.v1@3", "tweets.v1/-1@3", "tweets.v1/3@1,"):
        with pytest.raises(click.BadParameter, match="write oldest, a time"):
            Beginning().convert(said, None, None)
