"""What happened in how many histories: a run in which something hardly ever happened has shown little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from statistics import median


@dataclass(slots=True)
class Tally:
    lengths: list[int] = field(default_factory=list)
    histories: dict[str, int] = field(default_factory=dict)
    """Of each rule, in how many histories it took place at least once."""
    times: dict[str, int] = field(default_factory=dict)

    def add(self, steps: int, happened: Mapping[str, int]) -> None:
        self.merge(Tally([steps], dict.fromkeys(happened, 1), dict(happened)))

    def merge(self, other: Tally) -> None:
        self.lengths += other.lengths
        for mine, theirs in ((self.histories, other.histories), (self.times, other.times)):
            for rule, number in theirs.items():
                mine[rule] = mine.get(rule, 0) + number

    @property
    def median_steps(self) -> float:
        return median(self.lengths)

    def share(self, rule: str) -> float:
        return self.histories.get(rule, 0) / len(self.lengths)

    def rows(self) -> list[str]:
        head = f"{len(self.lengths)} histories, median of {self.median_steps:g} steps"
        count = len(self.lengths)
        return [head] + [
            f"{rule:<20} in {self.share(rule):4.0%} of the histories, {times / count:5.2f} times each"
            for rule, times in sorted(self.times.items(), key=itemgetter(1), reverse=True)
        ]
