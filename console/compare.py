"""Compare: a viewer's feed in time order and ranked, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from nicegui import ui

from console.backend import Backend
from console.comparison import Comparison
from console.frame import ANSWER_S, frame, heading, problem, sentence, told
from console.people import find_person, some_people
from console.words import lower_rungs, why_not_ranked
from core.errors import NotFound
from core.types import User
from ranking.stages import StageFailed


def register(backend: Backend) -> None:
    @ui.page("/", response_timeout=ANSWER_S)
    async def compare(viewer: str = "") -> None:
        with frame("Compare"):
            heading("Compare feeds")
            with told():
                people = await some_people(backend)
                _draw_search(viewer, people)
                if viewer.strip():
                    await _draw_feeds(backend, viewer)
                elif people:
                    ui.label("Pick somebody: their feed in time order and ranked, side by side.").classes(
                        "muted"
                    )
                else:
                    problem(
                        "There is nobody here yet.",
                        "Import a history (rankfeed import DIR), or let rankfeed demo --keep fill a stack.",
                    )


def path_of(viewer: str) -> str:
    return f"/?viewer={quote(viewer, safe='')}"


def _draw_search(viewer: str, people: Sequence[User]) -> None:
    def go() -> None:
        said = str(search.value or "").strip()
        if said:
            ui.navigate.to(path_of(said))

    with ui.element("search").classes("search"):
        search = ui.input("Viewer: handle or id", value=viewer, autocomplete=[one.handle for one in people])
        search.props("dense outlined clearable data-testid=viewer-search").on("keydown.enter", go, args=[])
        ui.button("Show", on_click=go).props("no-caps unelevated data-testid=viewer-show")
    if people:
        with ui.element("nav").classes("people").props('aria-label="Some viewers" data-testid=people'):
            for one in people:
                link = ui.link(f"@{one.handle}", path_of(str(one.user_id)))
                link.props(f"data-testid=viewer-{one.user_id}")
                if viewer.strip().removeprefix("@") in (one.handle, str(one.user_id)):
                    link.props('aria-current="true"')


async def _draw_feeds(backend: Backend, viewer: str) -> None:
    try:
        found = await find_person(backend, viewer)
    except NotFound as exc:
        problem(
            sentence(exc),
            "Look for a slip: it takes a whole handle, with or without the @, or a user's id. "
            "Or pick somebody above.",
        )
        return
    ui.page_title(f"@{found.handle} · Compare · rankfeed")
    heading(f"@{found.handle}, {found.display_name}", 2)
    try:
        explained = await backend.explainer.explain(found.user_id)
    except StageFailed as failure:
        problem(*why_not_ranked(failure.reason))
        return
    lower = lower_rungs(await backend.vitals.fresh())
    if lower is not None and explained.reason is None:
        problem(*lower)
    Comparison(explained).draw()
