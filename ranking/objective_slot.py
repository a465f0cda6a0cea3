"""The objective of one process, following the control store."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from core.errors import ConfigurationError, Corrupt
from ranking.model import RankingModel
from ranking.objective import ENGAGEMENT, Objective, check
from ranking.objective_bounds import check_bounds
from ranking.objectives import KEY, decode_objective
from ranking.processes import ProcessReport
from ranking.stages import StageFailed
from stores.ports import ControlStore

APPLIES = Gauge(
    "rankfeed_objective_applies", "1 for the objective that applies in this process", ["objective"]
)
REFUSED = Counter("rankfeed_objective_refused_total", "Objectives that were set and could not be applied")
_logger = structlog.get_logger("objective")


class ObjectiveSlot:
    """One that cannot be applied leaves the one before it in force, until it fits or another one is set.

    A model and an objective are changed apart from each other: what does not fit the model of now is
    looked at again at every poll. Where the one in force does not fit it either, the preset `engagement`
    applies, so that ranking goes on.
    """

    def __init__(self, control: ControlStore, current_model: Callable[[], RankingModel | None]) -> None:
        self._control = control
        self._current_model = current_model
        self._row = 0
        self._applies = ENGAGEMENT
        self._wanted: Objective | None = None
        self._refused: str | None = None
        APPLIES.labels(self._applies.label).set(1)

    def current(self) -> Objective:
        return self._applies

    async def poll(self) -> None:
        """Takes over what was set. Raises Unavailable."""
        found = await self._control.get(KEY)
        if found is not None and found.version != self._row:
            self._row = found.version
            try:
                self._wanted = decode_objective(found.value)
            except Corrupt as exc:
                self._wanted = None
                self._refuse(str(exc))
        if self._wanted is not None:
            self._try(self._wanted)

    def told(self, report: ProcessReport) -> ProcessReport:
        return replace(
            report,
            objective=self._applies.label,
            objective_row=self._row,
            objective_refused=self._refused,
        )

    def _try(self, objective: Objective) -> None:
        misfit = self._misfit(objective)
        if misfit is None:
            self._refused = None
            self._apply(objective)
            return
        self._refuse(f"{objective.label}: {misfit}")
        # A model that was promoted or rolled back to may lack what the one in force weighs.
        if self._misfit(self._applies) is not None and self._misfit(ENGAGEMENT) is None:
            self._apply(ENGAGEMENT)

    def _misfit(self, objective: Objective) -> str | None:
        """Why it cannot be applied beside the model of now."""
        try:
            check_bounds(objective)
            model = self._model()
            if model is not None:
                check(objective, model.heads)
        except ConfigurationError as exc:
            return str(exc)
        return None

    def _apply(self, objective: Objective) -> None:
        if objective == self._applies:
            return
        APPLIES.labels(self._applies.label).set(0)
        self._applies = objective
        APPLIES.labels(objective.label).set(1)
        _logger.info("objective_applies", objective=objective.label, author=objective.author)

    def _model(self) -> RankingModel | None:
        """None where nothing serves: whether the objective fits shows when something does."""
        try:
            return self._current_model()
        except StageFailed:
            return None

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            REFUSED.inc()
            _logger.error("objective_refused", error=reason, applies=self._applies.label)
        self._refused = reason
