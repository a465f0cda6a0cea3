"""The embedded stack, its API started through the entry point with switches."""

from __future__ import annotations

import os
import sys

import click

from wiring.environment import load_settings
from wiring.stack import Programs, run_stack


def main() -> None:
    programs = Programs(api=(sys.executable, "-m", "tests.outages.entry"))
    run_stack(load_settings(os.environ), os.environ, click.echo, programs)


if __name__ == "__main__":
    main()
