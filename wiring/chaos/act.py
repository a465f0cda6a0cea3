"""What became of ranked feeds while something was taken from a running stack, as their clients saw it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

FULL = "full"


class RungSeen(NamedTuple):
    """One ranked page that was answered: `rung` and `reason` are those of its meta, "" for no reason."""

    at_s: float
    rung: str
    reason: str

    def said(self) -> str:
        return f"{self.rung} ({self.reason})" if self.reason else self.rung


class FaultSpan(NamedTuple):
    """A fault, by the name that `rankfeed chaos` has for it, and the first page afterwards that was followed
    by none but full ones. `refused` requests were answered without a page (503) until then."""

    name: str
    began_s: float
    ended_s: float
    full_again_s: float
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ChaosAct:
    """All times are seconds since the act began, on one clock. `rungs` are in the order of the answers.

    `refused` is how many requests were answered without a page (503). The act ends at `took_s`.
    """

    rungs: Sequence[RungSeen]
    faults: Sequence[FaultSpan]
    refused: int
    took_s: float

    def lines(self) -> list[str]:
        """For the terminal: what each fault did to the ladder, and how soon it was full again."""
        return [self._line(fault) for fault in self.faults]

    def during(self, fault: FaultSpan) -> list[RungSeen]:
        """The pages from its beginning until feeds were full again."""
        return [one for one in self.rungs if fault.began_s <= one.at_s <= fault.full_again_s]

    def felt(self, fault: FaultSpan) -> bool:
        """Whether anything but full pages came of it."""
        return fault.refused > 0 or any(one.rung != FULL for one in self.during(fault))

    def _line(self, fault: FaultSpan) -> str:
        below = Counter(one.said() for one in self.during(fault) if one.rung != FULL)
        told = [f"{count} {what}" for what, count in below.most_common()]
        if fault.refused:
            told.append(f"{fault.refused} refused (503)")
        seen = ", ".join(told) or "nothing but full pages"
        return (
            f"{fault.name} for {fault.ended_s - fault.began_s:.1f} s: {seen}; full again "
            f"{max(0.0, fault.full_again_s - fault.ended_s):.1f} s after it ended"
        )
