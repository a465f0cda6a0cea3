"""A stack whose processes share a wall clock that can be stepped: see stepped_entry."""

from __future__ import annotations

import os
import sys

import click

from tests.faults.stepped_entry import ROLES
from wiring.environment import load_settings
from wiring.stack import Programs, run_stack


def main() -> None:
    commands = {role: (sys.executable, "-m", "tests.faults.stepped_entry", role) for role in ROLES}
    run_stack(load_settings(os.environ), os.environ, click.echo, Programs(**commands))


if __name__ == "__main__":
    main()
