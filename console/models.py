"""Models: the champion, its challengers and their cards; promote, and roll back."""

from __future__ import annotations

from nicegui import ui

from console.backend import Backend
from console.frame import frame, heading, told


def register(backend: Backend) -> None:
    @ui.page("/models")
    async def models() -> None:
        with frame("Models"), told():
            heading("Models")
            registered = await backend.registry.registered()
            champion = registered.champion
            label = "no model serves yet" if champion is None else f"{champion.label} serves"
            ui.label(label).props("data-testid=champion")
