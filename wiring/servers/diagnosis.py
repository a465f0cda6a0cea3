"""Why a node did not start, in words that say what to do."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

from core.errors import ConfigurationError
from wiring.servers.nodes import NodeDirectory, NodeState

TAIL_LINES = 15
_READ_LINES = 400

_DISK = "the disk is full: make room, or set RANKFEED_HOME to another disk"
_LEAST_FREE_BYTES = 1024 * 1024

_ADVICE = (
    (
        r"already in use|BindException|Address in use",
        "a port of it is in use by another program: stop that one and say `up` again",
    ),
    (
        # A bus error is a page of a mapped file that the disk has no room for.
        r"No space left on device|FSWriteError|Disk quota exceeded|File too large|SIGBUS",
        _DISK,
    ),
    (
        r"OutOfMemoryError|insufficient memory|Could not (?:reserve|allocate)|Cannot allocate memory|"
        r"[Uu]nable to allocate|unable to create native thread",
        "it ran out of memory: end other programs, or start one node instead of three",
    ),
    (
        r"Permission denied|AccessDenied",
        "it may not write its files: look at the owner of the directory, or set RANKFEED_HOME",
    ),
)


def explain_end(name: str, node: NodeState, directory: NodeDirectory) -> ConfigurationError:
    """For a node that ended while it was waited for."""
    code = directory.exit_code()
    advice = explain_stop(directory)
    if advice is None and code == -signal.SIGKILL:
        advice = (
            "it was killed from outside, which is what the system does when memory runs out: end other "
            "programs, or start one node instead of three"
        )
    advice = advice or f"if its data is broken, `rankfeed servers down {name} --wipe` starts afresh"
    ending = "" if code is None else f" ({_ending(code)})"
    return ConfigurationError(
        f"{name} node {node.index} at {node.address} ended{ending}: {advice}.\n{_words(directory)}"
    )


def explain_stop(directory: NodeDirectory) -> str | None:
    """What to do about a node that does not run, where that can be told; None where it was just stopped."""
    return advice_of(directory, "\n".join(directory.log_tail(_READ_LINES)))


def advice_of(directory: NodeDirectory, said: str) -> str | None:
    """What to do, by what was said last by a program that works in the directory."""
    if directory.root.exists() and shutil.disk_usage(directory.root).free < _LEAST_FREE_BYTES:
        # Its log is on the same disk: what it had to say may not stand there.
        return _DISK
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, said)), None)


def explain_silence(name: str, waited_s: float, missing: str, directory: Path) -> ConfigurationError:
    """For nodes that run and do not get ready."""
    return ConfigurationError(
        f"{name} is not ready after {waited_s:.0f} s: {missing}. The machine may be too busy for it: "
        f"`rankfeed servers status` and `rankfeed servers logs {name}` show how far it is, and "
        f"`rankfeed servers up {name}` waits again. Its files: {directory}"
    )


def _words(directory: NodeDirectory) -> str:
    tail = directory.log_tail(TAIL_LINES)
    if not tail:
        return f"It said nothing ({directory.log} is empty)."
    return "\n".join([f"The end of {directory.log}:", *(f"  {line}" for line in tail)])


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
