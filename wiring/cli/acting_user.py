"""Who gives a command, for histories that say who changed what."""

from __future__ import annotations

import getpass
import os


def acting_user() -> str:
    """The name of the user of this machine; their number where there is no name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
