"""`rankfeed log`: for whoever looks after the event log."""

from __future__ import annotations

import click

from wiring.cli.log_lag import lag
from wiring.cli.log_replay import replay
from wiring.cli.log_tail import tail_
from wiring.process import configure_logging
from wiring.settings import Settings


@click.group()
@click.pass_obj
def log(settings: Settings) -> None:
    """The event log: look into it, and have a group of consumers begin again."""
    configure_logging(settings, "log")


log.add_command(tail_)
log.add_command(lag)
log.add_command(replay)
