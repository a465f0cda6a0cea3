"""The console as an application: pages by NiceGUI, behind their door, and whether it is up."""

from __future__ import annotations

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.types import ASGIApp

from console import compare, health, models
from console.access import Access, Guarded
from console.backend import Backend
from console.frame import frame, problem

RECONNECT_S = 30.0
"""So long a page is kept whose browser is silent: on a busy machine 3 s of it are nothing, and whoever moved
weights would begin anew."""
HISTORY = 100
"""So many messages are kept for a page that comes back: a slider that is dragged sends many a second, each of
the whole list. Whoever missed more has the page made anew."""


def create_console(backend: Backend, access: Access) -> ASGIApp:
    """Once a process: NiceGUI has one application, which this is mounted on."""
    register_pages(backend)
    app = FastAPI(openapi_url=None)

    @app.get("/health/live")
    @app.get("/health/ready")
    def healthy() -> dict[str, str]:
        return {"status": "ready"}

    # Nothing comes from elsewhere: styles are our own file, and so NiceGUI's scripts and fonts are its own.
    ui.run_with(
        app,
        title="rankfeed",
        dark=None,
        tailwind=False,
        language="en-US",
        show_welcome_message=False,
        reconnect_timeout=RECONNECT_S,
        message_history_length=HISTORY,
    )
    return Guarded(app, access)


def register_pages(backend: Backend) -> None:
    for page in (compare, models, health):
        page.register(backend)
    nicegui_app.on_page_exception(_broken)


def _broken(error: Exception) -> None:
    """Whatever our own code does wrong: a page that says so, and a log that says what."""
    with frame(""):
        problem(
            f"This page could not be made ({type(error).__name__}).",
            "Reload it; if it stays so, the console's log says more (logs/console.log in RANKFEED_HOME).",
        )
