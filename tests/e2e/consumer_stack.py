"""A stack whose fan-out writes down what it is given."""

from __future__ import annotations

import os
import sys

import click

from wiring.environment import load_settings
from wiring.stack import Programs, run_stack


def main() -> None:
    programs = Programs(fanout=(sys.executable, "-m", "tests.e2e.consumer"))
    run_stack(load_settings(os.environ), os.environ, click.echo, programs)


if __name__ == "__main__":
    main()
