"""Health: which rung feeds are on, what lags, and how long things take, live."""

from __future__ import annotations

from nicegui import ui

from console.backend import Backend
from console.frame import frame, heading, told


def register(backend: Backend) -> None:
    @ui.page("/health")
    async def health() -> None:
        with frame("Health"), told():
            heading("Health")
            processes = await backend.registry.processes()
            ui.label(f"{len(processes)} processes serve feeds").props("data-testid=processes")
