"""Health: which rung feeds are on, what lags, and how long things take, live."""

from __future__ import annotations

from nicegui import ui

from console import health_view as view
from console.backend import Backend
from console.frame import ANSWER_S, frame, heading, problem
from console.html_table import STYLE
from console.vitals import Seen

EVERY_S = 1.0
_NOT_KNOWN = {
    "processes": (
        "Who serves feeds is not known",
        "Redis keeps what they say of themselves: logs/redis.log in RANKFEED_HOME. They are asked where they "
        "were known to be.",
    ),
    "lag": (
        "How far the consumers are is not known",
        "The log is asked again at once; `rankfeed log lag` says more.",
    ),
}


def register(backend: Backend) -> None:
    @ui.page("/health", response_timeout=ANSWER_S)
    async def health() -> None:
        with frame("Health"):
            heading("Health")
            page = _Page()
            page.show(await backend.vitals.fresh())

            async def look() -> None:
                page.show(await backend.vitals.fresh())

            # It ends with the page: a tab that is closed asks for nothing more.
            ui.timer(EVERY_S, look)


class _Page:
    """The parts of the page, whose contents are replaced; only what changed is sent."""

    def __init__(self) -> None:
        ui.add_css(STYLE.read_text())
        self._problems = ui.element("div").props('aria-live="polite" data-testid=away')
        self._told: list[tuple[str, str]] = []
        with _card():
            heading("Rungs", 2)
            self._last_minute = ui.label().props("data-testid=last-minute")
            self._strip = _html("rungs")
        with _card():
            heading("Processes", 2)
            self._processes = _html("processes")
        with ui.element("div").classes("panels"):
            with _card():
                heading("Latency", 2)
                self._latency = _html("latency")
            with _card():
                heading("Consumers", 2)
                self._lag = _html("lag")
            with _card():
                heading("Features", 2)
                self._newest = ui.label().classes("muted").props("data-testid=newest-event")
                self._features = _html("features")

    def show(self, seen: Seen) -> None:
        self._tell(seen)
        self._last_minute.set_text(view.last_minute(seen))
        self._strip.set_content(view.rungs_strip(seen))
        self._processes.set_content(view.processes_table(seen))
        self._latency.set_content(view.latency_table(seen))
        self._lag.set_content(view.lag_table(seen))
        self._newest.set_text(view.newest_event(seen))
        self._features.set_content(view.features_table(seen))

    def _tell(self, seen: Seen) -> None:
        told = [(f"{_NOT_KNOWN[what][0]}: {why}", _NOT_KNOWN[what][1]) for what, why in seen.failures.items()]
        told += view.away_processes(seen)
        if told != self._told:
            # Not made anew each second: a screen reader would say it each second.
            self._told = told
            self._problems.clear()
            with self._problems:
                for what, todo in told:
                    problem(what, todo)


def _card() -> ui.element:
    return ui.element("section").classes("card section")


def _html(name: str) -> ui.html:
    """HTML of our own making: `health_view` escapes what it puts into it."""
    return ui.html("", sanitize=False).props(f"data-testid={name}")
