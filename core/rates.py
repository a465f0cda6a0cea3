"""How often something may happen: `300/3h` is at most 300 times in three hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

OFF = "off"
MAX_COUNT = 100_000
MAX_WINDOW_MS = 7 * 24 * 3_600_000

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 24 * 3_600_000}
_FORM = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})([smhd])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in `window_ms`; `text` is how it was written."""

    count: int
    window_ms: int
    text: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for `off`; raises ValueError with what would be right."""
        if text == OFF:
            return None
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("must be a count and a time, as in 300/3h (s, m, h or d), or off")
        rate = cls(int(match[1]), int(match[2]) * _UNITS_MS[match[3]], text)
        if rate.count > MAX_COUNT or rate.window_ms > MAX_WINDOW_MS:
            raise ValueError(f"may be at most {MAX_COUNT} in at most 7d, or off")
        return rate
