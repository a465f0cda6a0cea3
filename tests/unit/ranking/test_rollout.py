"""Who made a change is told how many processes took it over, and why others did not."""

from __future__ import annotations

import pytest

from core.errors import ConfigurationError, Unavailable
from ranking.processes import PATIENCE_S, ProcessReport
from ranking.registered import Entry
from ranking.rollout import Rollout
from tests.fakes import FakeClock

ENTRY = Entry("home", "1", "5e" * 32, "a7" * 32)
VERSION = 7


class Asked:
    """Processes that say the same each time, and time that goes by with each time; None: nobody knows."""

    def __init__(self, *reports: ProcessReport | None) -> None:
        self.clock = FakeClock()
        self.rollout = Rollout(self._reports, self.clock)
        self._said = reports

    async def _reports(self) -> list[ProcessReport]:
        self.clock.advance(round(1_000 * PATIENCE_S))
        if None in self._said:
            raise Unavailable("Redis is away")
        return [one for one in self._said if one is not None]


def process(
    *, version: int = VERSION, serves: bool = False, loaded: bool = False, refused: str = ""
) -> ProcessReport:
    return ProcessReport(
        1,
        "api",
        1,
        None,
        None,
        None,
        0,
        registry=version,
        serves=ENTRY.mark if serves else None,
        loaded=[ENTRY.mark] if loaded else [],
        refusals={ENTRY.mark: refused} if refused else {},
    )


async def test_it_is_told_how_many_and_how_soon() -> None:
    asked = Asked(process(loaded=True), process(loaded=True))
    began_s = asked.clock.monotonic_s()
    outcome, fault = await asked.rollout.loaded(ENTRY, VERSION, began_s)
    assert (outcome.acknowledged, outcome.processes, fault) == (2, 2, "")
    assert outcome.elapsed_ms == 1_000 * PATIENCE_S
    asked = Asked(process(serves=True), process(serves=True))
    outcome = await asked.rollout.serving(ENTRY, VERSION, began_s)
    assert (outcome.acknowledged, outcome.processes) == (2, 2)


async def test_reasons_are_told_once_and_counted() -> None:
    asked = Asked(process(refused="damaged"), process(loaded=True), process(refused="damaged"))
    outcome, fault = await asked.rollout.loaded(ENTRY, VERSION, 0.0)
    assert (outcome.acknowledged, outcome.processes) == (1, 3)
    assert fault == "2 of 3 processes refuse it: damaged"
    with pytest.raises(ConfigurationError, match=r"0 of 3 in .* run it: 2 of 3 processes refuse it: damaged"):
        await asked.rollout.serving(ENTRY, VERSION, 0.0)


async def test_who_says_nothing_of_it_is_not_waited_for_for_ever() -> None:
    asked = Asked(process(loaded=True, serves=True), process(version=VERSION - 1))
    _, fault = await asked.rollout.loaded(ENTRY, VERSION, asked.clock.monotonic_s())
    assert fault == "1 of 2 processes loaded it within 10 s"
    with pytest.raises(ConfigurationError, match=r"1 of 2 in .* run it: the others say nothing"):
        await asked.rollout.serving(ENTRY, VERSION, 0.0)


async def test_where_nobody_can_be_asked_that_is_told() -> None:
    asked = Asked(None)
    _, fault = await asked.rollout.loaded(ENTRY, VERSION, 0.0)
    assert fault == "which processes can load it is not known: Redis is away"
    with pytest.raises(ConfigurationError, match="is the champion, but who runs it is not known: Redis"):
        await asked.rollout.serving(ENTRY, VERSION, 0.0)
