"""What is typed to say where in the log: a moment, how long ago, or an entry of a partition."""

from __future__ import annotations

import re

import click

from core.clock import SystemClock
from eventlog.log import Offsets, TopicPartition
from eventlog.schema import DEAD_LETTERS, FACT_TOPICS, TELEMETRY_TOPICS
from wiring.cli.moment import Moment

TOPICS = (*FACT_TOPICS, *TELEMETRY_TOPICS, DEAD_LETTERS)
OLDEST = "oldest"

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGO = re.compile(r"(\d{1,9})([smhd])")
_DATE = re.compile(r"\d{4}-")
_PLACE = re.compile(r"([a-z0-9.]+)/(\d{1,9})@(\d{1,18})")


class Since(Moment):
    """A moment with its offset from UTC, or how long ago it was; milliseconds since the epoch."""

    name = "time|duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        now_ms = SystemClock().now_ms()
        if (ago := _AGO.fullmatch(str(value))) is not None:
            return max(0, now_ms - int(ago[1]) * _UNITS_MS[ago[2]])
        if not _DATE.match(str(value)):
            self.fail(
                f"'{value}' is neither a time (2026-05-01T12:00Z) nor a duration (90s, 10m, 2h, 7d)",
                param,
                ctx,
            )
        at_ms = super().convert(value, param, ctx)
        if at_ms > now_ms:
            self.fail(f"'{value}' is still to come; the log has nothing of it", param, ctx)
        return at_ms


class Beginning(click.ParamType[int | Offsets]):
    """Where a group begins again: a time (0 for the oldest entry), or entries of some partitions."""

    name = "time|duration|oldest|offsets"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Offsets:
        said = str(value)
        if said == OLDEST:
            return 0
        if _AGO.fullmatch(said) or _DATE.match(said):
            return Since().convert(value, param, ctx)
        offsets: dict[TopicPartition, int] = {}
        for place in said.split(","):
            if (found := _PLACE.fullmatch(place.strip())) is None:
                self.fail(
                    f"'{place}' says no place in the log; write oldest, a time (2026-05-01T12:00Z), how "
                    "long ago (90s, 10m, 2h, 7d), or entries (tweets.v1/3@120), separated by commas",
                    param,
                    ctx,
                )
            offsets[TopicPartition(found[1], int(found[2]))] = int(found[3])
        return offsets


def place_of(topic: str, partition: int, offset: int) -> str:
    """As Beginning takes it."""
    return f"{topic}/{partition}@{offset}"
