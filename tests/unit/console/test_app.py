"""What NiceGUI is told of a page that its browser left for a while."""

from __future__ import annotations

from typing import Any

import pytest
from nicegui import ui

from console import app
from console.access import Access


def test_a_page_is_kept_for_a_while_and_not_all_that_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(app, "register_pages", lambda backend: None)
    monkeypatch.setattr(ui, "run_with", lambda _, **options: told.update(options))
    nobody: Any = None
    app.create_console(nobody, Access("127.0.0.1", None))
    assert (told["reconnect_timeout"], told["message_history_length"]) == (30.0, 100)
