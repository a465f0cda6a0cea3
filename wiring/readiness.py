"""The processes of a stack, asked until they are ready; one that is not says why."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from core.errors import ConfigurationError
from wiring.home import READY_S, Home
from wiring.process import reachable
from wiring.supervisor import Supervisor

LAST_LINES = 5
_CHECK_S = 1.0


def await_ready(
    supervisor: Supervisor,
    listeners: Mapping[str, socket.socket],
    home: Home,
    stopped: Callable[[], bool],
) -> None:
    """Until every listener's process says that it can serve, or somebody `stopped` the stack.

    Raises ConfigurationError, with what they say, where one dies before that or time is up.
    """
    end_s = time.monotonic() + READY_S
    waiting = dict(listeners)

    def done() -> bool:
        for name in list(waiting):
            if _is_ready(waiting[name]):
                del waiting[name]
        return not waiting or stopped() or time.monotonic() > end_s or supervisor.dying() is not None

    supervisor.watch(done)
    if (dying := supervisor.dying()) is not None and waiting:
        raise ConfigurationError(
            f"{dying.name} does not start. {dying.log_file} ends:\n{_end_of(dying.log_file)}"
        )
    if waiting and not stopped():
        logs = ", ".join(str(home.logs / f"{name}.log") for name in waiting)
        raise ConfigurationError(
            f"not ready after {READY_S:.0f} s: {', '.join(waiting)}. What they say: {logs}"
        )


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def _is_ready(listener: socket.socket) -> bool:
    host, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(reachable(host), port, timeout=_CHECK_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
