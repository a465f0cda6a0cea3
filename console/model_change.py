"""The question before a model is promoted or rolled back to: what will change, and why it shall."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from console.frame import heading
from core.errors import RankfeedError
from ranking.outcome import Outcome
from ranking.registry import MAX_REASON

Act = Callable[[str], Awaitable[Outcome]]
"""Makes the change, for a reason."""
Done = Callable[[Outcome | RankfeedError], Awaitable[None]]


def ask(title: str, consequences: Sequence[str], verb: str, act: Act, done: Done) -> None:
    """Opens a dialog; nothing changes before somebody gives a reason and says so."""
    with ui.dialog().props("data-testid=confirm") as dialog, ui.card().classes("ask"):
        dialog.props["aria-label"] = title
        heading(title, 2)
        for line in consequences:
            ui.label(line)
        reason = ui.input("Why", placeholder="for those who look at the history later").props(
            f"autofocus outlined dense maxlength={MAX_REASON} data-testid=reason"
        )
        reason.classes("full")

        begun = False

        async def change() -> None:
            nonlocal begun
            if begun:
                return
            if not reason.value.strip():
                reason.props('error error-message="Say why: the history keeps it."')
                reason.run_method("focus")
                return
            begun = True
            for element in (reason, yes, no):
                element.disable()
            # Escape would close what is under way, and leave nowhere to say what came of it.
            dialog.props("persistent")
            waiting.set_text("Waiting until every process has it …")
            outcome: Outcome | RankfeedError
            try:
                outcome = await act(reason.value.strip())
            except RankfeedError as exc:
                outcome = exc
            finally:
                dialog.close()
            await done(outcome)

        reason.on("keydown.enter", change)
        waiting = ui.label().classes("muted").props('aria-live="polite"')
        with ui.element("div").classes("actions"):
            yes = ui.button(verb, on_click=change).props("no-caps unelevated data-testid=confirm-yes")
            no = ui.button("Leave it", on_click=dialog.close).props("no-caps flat data-testid=confirm-no")
    dialog.on("hide", dialog.delete)
    dialog.open()
