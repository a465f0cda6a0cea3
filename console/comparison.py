"""A viewer's two feeds side by side, and the ranked one anew with every move of a weight."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from nicegui import ui

from console.feed_list import PlainItem, RankedItem, more_button
from console.frame import heading, problem
from console.rerank import command, moves, weights_of
from console.weights_panel import WeightsPanel
from console.words import why_not_ranked
from core.errors import ConfigurationError
from ranking.bundle import format_time
from ranking.explain import Explained, Weighing
from ranking.objective import reweighed
from ranking.objective_bounds import check_bounds
from ranking.reasons import candidate_at, reasons_at

PAGE = 20


class Comparison:
    def __init__(self, explained: Explained) -> None:
        self._explained = explained
        self._weighing = explained.weighing
        self._opened: set[int] = set()
        self._plain: list[tuple[int, PlainItem]] = []
        self._items: list[RankedItem] = []
        self._ranked_shown = self._timely_shown = PAGE

    def draw(self) -> None:
        explained = self._explained
        if explained.alone:
            ui.label(
                f"@{explained.viewer.handle} follows nobody: what they get is what is popular with everybody."
            ).classes("muted").props("data-testid=follows-nobody")
        if self._weighing is not None:
            self._draw_weights(self._weighing)
        with ui.element("div").classes("columns"):
            with ui.element("section").props("data-testid=chronological aria-labelledby=in-time-order"):
                heading("In time order", 2, "in-time-order")
                self._timely = ui.element("div")
            with ui.element("section").props("data-testid=ranked aria-labelledby=ranked-feed"):
                heading("Ranked", 2, "ranked-feed")
                self._ranked = ui.element("div")
        self._draw_timely()
        self._draw_ranked()

    def _draw_weights(self, weighing: Weighing) -> None:
        scored = self._explained.scored
        assert scored is not None
        with ui.element("section").classes("card objective").props('aria-labelledby="objective"'):
            heading("What counts", 2, "objective")
            by = (
                f"{len(self._explained.candidates)} tweets, ranked by the model {scored.model.label} and the "
                f"objective {weighing.objective.label} on features of {format_time(scored.as_of_ms)}."
            )
            ui.label(f"{by} Move a weight: nothing is saved.").classes("muted").props("data-testid=ranked-by")
            weights = weights_of(weighing.objective, scored.model.heads)
            self._panel = WeightsPanel(weights, self._rerank)
            with ui.element("div").classes("outcome"):
                self._said = (
                    ui.label()
                    .classes("said")
                    .props('role="status" aria-live="polite" data-testid=rerank-changed')
                )
                ui.button("Back to what is served", on_click=self._panel.reset).props(
                    'outline no-caps padding="4px 12px" data-testid=reset'
                )
            self._todo = ui.element("div")
        self._tell({})

    def _rerank(self, weights: Mapping[str, float]) -> None:
        served = self._explained.weighing
        assert served is not None
        objective = reweighed(served.objective, weights)
        try:
            check_bounds(objective)
        except ConfigurationError as exc:
            self._said.set_text(f"Not possible: {exc}.")
            # The command that stood here is for other weights than the sliders have now.
            self._todo.clear()
            return
        self._weighing = self._explained.under(objective)
        self._tell(weights)
        self._fill_timely()
        self._fill_ranked()

    def _tell(self, weights: Mapping[str, float]) -> None:
        served, now = self._explained.weighing, self._weighing
        assert served is not None
        assert now is not None
        self._said.set_text(moves(served, now, PAGE).words)
        self._todo.clear()
        words = command(served.objective, weights)
        if words:
            with self._todo:
                ui.label("To serve feeds like this:").classes("muted")
                ui.label(words).classes("command").props("data-testid=command")

    def _draw_timely(self) -> None:
        order = np.flatnonzero(self._explained.in_time >= 0).tolist()
        shown = order[: self._timely_shown]
        self._timely.clear()
        with self._timely:
            if not order:
                ui.label("Nothing: nobody whom they follow has posted.").classes("muted")
            with ui.element("ol").classes("feed"):
                self._plain = [(at, PlainItem()) for at in shown]
            more_button(len(order) - len(shown), self._more_timely, "chronological")
        self._fill_timely()

    def _fill_timely(self) -> None:
        now = self._weighing
        for place, (at, item) in enumerate(self._plain):
            note = "" if now is None else f"place {int(now.places[at]) + 1} ranked"
            item.show(candidate_at(self._explained, at), place, note)

    def _draw_ranked(self) -> None:
        n = len(self._explained.candidates)
        self._ranked.clear()
        with self._ranked:
            if self._weighing is None:
                problem(*why_not_ranked(self._explained.reason or ""))
                return
            with ui.element("ol").classes("feed"):
                self._items = [RankedItem(self._opened) for _ in range(min(n, self._ranked_shown))]
            more_button(n - len(self._items), self._more_ranked, "ranked")
        self._fill_ranked()

    def _fill_ranked(self) -> None:
        """What stands at each place now; the list stays: a slider moves many times a second."""
        explained, served, now = self._explained, self._explained.weighing, self._weighing
        assert served is not None
        assert now is not None
        up = moves(served, now, PAGE).up
        values = now.terms.score * now.diverse.multipliers
        for place, (at, item) in enumerate(zip(now.diverse.order.tolist(), self._items, strict=False)):
            item.show(
                candidate_at(explained, at),
                place,
                int(up[at]),
                float(values[at]),
                partial(reasons_at, explained, now, at),
            )

    def _more_timely(self) -> None:
        self._timely_shown += PAGE
        self._draw_timely()

    def _more_ranked(self) -> None:
        self._ranked_shown += PAGE
        self._draw_ranked()
