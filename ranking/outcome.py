"""What came of a change to the models: who runs it."""

from __future__ import annotations

from dataclasses import dataclass

from ranking.registered import Entry


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many serving processes did it, of how many, within what time; of 0 nobody serves yet."""

    entry: Entry
    acknowledged: int
    processes: int
    elapsed_ms: float

    @property
    def words(self) -> str:
        return f"{self.acknowledged} of {self.processes} in {self.elapsed_ms:.0f} ms"

    @property
    def as_champion(self) -> str:
        """What a promotion or a rollback came to."""
        if not self.processes:
            return f"{self.entry.label} is the champion; nobody serves now, the next process runs it"
        return f"{self.entry.label} is the champion: {self.words}"
