"""Compare: a viewer's feed in time order and ranked, side by side."""

from __future__ import annotations

from nicegui import ui

from console.backend import Backend
from console.frame import frame, heading, told

SOME = 20


def register(backend: Backend) -> None:
    @ui.page("/")
    async def compare(viewer: str = "") -> None:
        with frame("Compare"), told():
            heading("Compare")
            people = await backend.users.everybody(after=0, limit=SOME)
            ui.label(f"{len(people)} people to begin with")
