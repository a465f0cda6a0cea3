"""Models: the champion, its challengers and their cards; promote, and roll back."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from fastapi import Response
from nicegui import app, ui

from console.backend import Backend
from console.frame import ANSWER_S, frame, heading, problem, told, what_to_do
from console.html_table import STYLE
from console.model_change import ask
from console.model_tables import compared, history_table, moment, summary
from console.models_seen import Model, ModelsSeen, card_of, look_at_models
from core.errors import RankfeedError
from ranking.outcome import Outcome

SHOWN = 50
"""So many models, the newest but for those that are registered."""

INSTEAD = "Below is how it is now: promote another model, or train one with `rankfeed train`."

# A card is a file that training wrote; whatever stands in it, it runs nothing and asks for nothing.
CARD_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


def register(backend: Backend) -> None:
    @app.get("/models/card/{name}/{version}")
    async def card(name: str, version: str) -> Response:
        found = card_of(backend.registry, backend.models, name, version)
        if found is None:
            text = f"{name}@{version} has no card: the page Models lists those that have one."
            return Response(text, status_code=404, media_type="text/plain")
        return Response(found.read_bytes(), media_type="text/html", headers=CARD_HEADERS)

    @ui.page("/models", response_timeout=ANSWER_S)
    async def models() -> None:
        with frame("Models"):
            heading("Models")
            await _Page(backend).show()


class _Page:
    """Made anew from what is there after every change, also after one that was refused."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        ui.add_css(STYLE.read_text())
        self._outcome = ui.element("div").props('aria-live="polite" data-testid=outcome')
        self._body = ui.element("div")

    async def show(self) -> None:
        self._body.clear()
        with self._body, told():
            seen = await look_at_models(self._backend.registry, self._backend.models)
            self._champion(seen)
            self._all(seen)
            self._compare(seen)
            with _card("History"):
                ui.html(history_table(seen.registered.history), sanitize=False).props("data-testid=history")

    def _champion(self, seen: ModelsSeen) -> None:
        champion, since = seen.registered.champion, seen.since
        with _card("Champion"):
            if champion is None:
                ui.label("No model serves yet.").props("data-testid=champion")
                ui.label("Ranked feeds are in time order until one is promoted.").classes("muted")
                return
            ui.label(champion.label).classes("brand").props("data-testid=champion")
            if since is not None:
                why = f": {since.reason}" if since.reason else ""
                ui.label(f"since {moment(since.at_ms)}, by {since.by}{why}").classes("muted")
            self._serving(seen, champion.mark)
            if seen.before is not None:
                with ui.element("div").classes("actions"):
                    ui.button(
                        f"Roll back to {seen.before}", on_click=partial(self._ask_rollback, seen)
                    ).props("no-caps outline data-testid=rollback")

    def _serving(self, seen: ModelsSeen, mark: str) -> None:
        if seen.processes is None:
            problem(
                f"Who runs it is not known: {seen.unknown}",
                "Start Redis again (logs/redis.log in RANKFEED_HOME says why it ended) and reload this page: "
                "nothing can be promoted until then.",
            )
            return
        total = len(seen.processes)
        serving = sum(one.serves == mark for one in seen.processes)
        words = f"{serving} of {total} processes run it" if total else "no process serves feeds now"
        ui.label(words).props("data-testid=serving")
        for one in seen.processes:
            for refused, why in one.refusals.items():
                problem(
                    f"{one.host} {one.pid} refuses {refused.partition(' ')[0]}: {why}",
                    "Copy its bundle anew into models/ in that machine's RANKFEED_HOME, "
                    "or promote another model.",
                )

    def _all(self, seen: ModelsSeen) -> None:
        with _card("All models"):
            if not seen.models:
                ui.label("There is none yet: train one with `rankfeed train`.")
            for model in seen.models[:SHOWN]:
                self._one(seen, model)
            if len(seen.models) > SHOWN:
                ui.label(f"{len(seen.models) - SHOWN} older ones: `rankfeed models list`").classes("muted")

    def _one(self, seen: ModelsSeen, model: Model) -> None:
        with ui.element("article").classes("model") as article:
            article.props["data-testid"] = f"model-{model.label}"
            with ui.element("div").classes("about"):
                ui.label(model.label).classes("label")
                if model.role:
                    ui.label(model.role).classes("badge")
                ui.label(summary(model)).classes("muted")
            with ui.element("div").classes("actions"):
                if model.has_card:
                    path = f"/models/card/{quote(model.name, safe='')}/{quote(model.version, safe='')}"
                    link = ui.link("Card", path, new_tab=True)
                    link.props["aria-label"] = f"Card of {model.label}"
                if model.role != "champion" and not model.fault:
                    button = ui.button("Promote", on_click=partial(self._ask_promotion, seen, model))
                    button.props("no-caps outline")
                    button.props["data-testid"] = f"promote-{model.label}"
                    button.props["aria-label"] = f"Promote {model.label}"

    def _compare(self, seen: ModelsSeen) -> None:
        labels = [model.label for model in seen.models if model.manifest is not None]
        if len(labels) < 2:
            return
        with _card("What two models have not in common"):
            with ui.element("div").classes("pair"):
                one = ui.select(labels, value=labels[0], label="One").props("outlined dense")
                other = ui.select(labels, value=labels[1], label="Other").props("outlined dense")
            one.props("data-testid=compare-one")
            other.props("data-testid=compare-other")
            shown = ui.html("", sanitize=False).props("data-testid=difference")

            def compare() -> None:
                shown.set_content(compared(seen, str(one.value), str(other.value)))

            for choice in (one, other):
                choice.on_value_change(compare)
            compare()

    def _ask_promotion(self, seen: ModelsSeen, model: Model) -> None:
        champion = seen.registered.champion
        if champion is None:
            lines = [f"{model.label} becomes the champion, the first one: feeds are ranked from then on."]
        else:
            lines = [
                f"{model.label} becomes the champion instead of {champion.label}.",
                f"{champion.label} stays loaded: a roll back returns to it.",
            ]
        promote = self._backend.registry.promote
        ask(
            f"Promote {model.label}?",
            [*lines, _everywhere(seen)],
            "Promote",
            lambda reason: promote(model.name, model.version, reason, seen=seen.registered),
            self._tell,
        )

    def _ask_rollback(self, seen: ModelsSeen) -> None:
        champion = seen.registered.champion
        assert champion is not None
        rollback = self._backend.registry.rollback
        ask(
            f"Roll back to {seen.before}?",
            [
                f"{seen.before} becomes the champion again, and {champion.label} is none any more.",
                _everywhere(seen),
            ],
            "Roll back",
            lambda reason: rollback(reason, seen=seen.registered),
            self._tell,
        )

    async def _tell(self, outcome: Outcome | RankfeedError) -> None:
        self._outcome.clear()
        with self._outcome:
            if isinstance(outcome, Outcome):
                ui.label(outcome.as_champion).classes("done").props("data-testid=done")
            else:
                problem(str(outcome), what_to_do(outcome) or INSTEAD)
        await self.show()


def _everywhere(seen: ModelsSeen) -> str:
    processes = 0 if seen.processes is None else len(seen.processes)
    who = {0: "No process serves now", 1: "The one serving process takes it over"}.get(
        processes, f"All {processes} serving processes take it over"
    )
    return f"{who}; a scroll that began keeps its order."


def _card(title: str) -> ui.element:
    section = ui.element("section").classes("card section")
    with section:
        heading(title, 2)
    return section
