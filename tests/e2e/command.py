"""The command `rankfeed`, run to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.live_stack import RANKFEED, ROOT, clean_environment

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def rankfeed(*arguments: str, home: Path | None, environment: Mapping[str, str] | None = None) -> Ended:
    """Runs `rankfeed ARGUMENTS`; nothing of this process's own settings reaches it."""
    own = {} if home is None else {"RANKFEED_HOME": str(home)}
    ended = subprocess.run(
        [*RANKFEED, *arguments],
        env={**clean_environment(), **own, **(environment or {})},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
