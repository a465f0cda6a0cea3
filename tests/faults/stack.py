"""A stack, its processes started through the entry point with faults, and again at once."""

from __future__ import annotations

import os
import sys

import click

from tests.faults.forked import COMMAND, fork
from wiring.environment import load_settings
from wiring.stack import Programs, run_stack


def main() -> None:
    api, fanout, pipelines = ((sys.executable, *COMMAND, role) for role in ("api", "fanout", "pipelines"))
    programs = Programs(api, fanout, pipelines)
    run_stack(load_settings(os.environ), os.environ, click.echo, programs, (0.0,), fork)


if __name__ == "__main__":
    main()
