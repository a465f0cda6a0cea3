"""What NiceGUI is told of a page that its browser left for a while."""

from __future__ import annotations

import subprocess
import sys

# NiceGUI has one application a process: it is made in one of its own.
_TOLD = """
from typing import Any

from nicegui import core

from console.access import Access
from console.app import create_console

nobody: Any = None
create_console(nobody, Access("127.0.0.1", None))
print(core.app.config.reconnect_timeout, core.app.config.message_history_length)
"""


def test_a_page_is_kept_for_a_while_and_not_all_that_was_sent() -> None:
    done = subprocess.run([sys.executable, "-c", _TOLD], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["30.0", "100"]
