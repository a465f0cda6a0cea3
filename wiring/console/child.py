"""The console beside a stack: started last and stopped first, and the stack goes on without it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import msgspec

from core.errors import ConfigurationError
from wiring.home import Home
from wiring.process import listen_as, url_of
from wiring.settings import Settings
from wiring.supervisor import Child, Supervisor

COMMAND = (sys.executable, "-m", "wiring.cli", "console")


def start_console(
    settings: Settings,
    environment: Mapping[str, str],
    home: Home,
    supervisor: Supervisor,
    cleanup: ExitStack,
    say: Callable[[str], None],
) -> str:
    """Its address; "" where it is not wanted, or cannot be had: then `say` hears what to do.

    Nobody waits for it.
    """
    if not settings.console.enabled:
        return ""
    if importlib.util.find_spec("nicegui") is None:
        say("no console: it needs 'nicegui', which serving lacks: pip install 'rankfeed[console]'")
        return ""
    try:
        listener = cleanup.enter_context(listen_as("console", settings.console.host, settings.console.port))
    except ConfigurationError as exc:
        say(f"no console: {exc}")
        return ""

    def left_out() -> None:
        # Whoever opened it would wait for an answer for ever, and a stack that says where it is misleads.
        listener.close()
        state = home.state()
        if state is not None:
            home.write_state(msgspec.structs.replace(state, console_url=""))

    url = url_of(listener)
    options = ("--fd", str(listener.fileno()), "--lifeline", str(supervisor.lifeline))
    supervisor.start(
        Child(
            "console",
            (*COMMAND, *options),
            environment,
            home.logs / "console.log",
            pass_fds=(listener.fileno(), supervisor.lifeline),
            needed=False,
            left_out=left_out,
        )
    )
    return url
