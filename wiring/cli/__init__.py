"""The command `rankfeed`. Errors of the user's making end with a sentence that says what to do."""

from __future__ import annotations

import click

from wiring.cli.commands import COMMANDS
from wiring.cli.group import Commands


@click.group(
    cls=Commands,
    listed=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="rankfeed")
def main() -> None:
    """A home feed, ranked by machine learning. Data lies under RANKFEED_HOME (.rankfeed)."""
