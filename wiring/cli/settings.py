"""`rankfeed settings`: what a stack is told, and by whom."""

from __future__ import annotations

import os

import click

from wiring.environment import list_settings
from wiring.settings import Settings


@click.command("settings")
@click.pass_obj
def show_settings(settings: Settings) -> None:
    """List every setting with its value and where that comes from."""
    for leaf in list_settings(settings, os.environ):
        value = "-" if leaf.value is None else leaf.value
        click.echo(f"{leaf.variable:32} {value!s:24} {leaf.origin:12} {leaf.description}")
