"""A moment as it is typed: always with its offset from UTC."""

from __future__ import annotations

from datetime import datetime

import click


class Moment(click.ParamType[int]):
    """A moment with its offset from UTC, as milliseconds since the epoch."""

    # As `--help` shows it.
    name = "yyyy-mm-ddThh:mmZ"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is no moment; write 2022-05-01T00:00+08:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"'{value}' lacks its offset from UTC; write {value}Z or {value}+08:00", param, ctx)
        return int(moment.timestamp() * 1000)
