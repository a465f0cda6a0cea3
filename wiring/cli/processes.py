"""`rankfeed api`, `fanout` and `pipelines`: the processes of a stack, each a command."""

from __future__ import annotations

import click

from wiring.roles import ROLES, RoleMain, run_role
from wiring.settings import Settings


def _command(name: str, role_main: RoleMain) -> click.Command:
    @click.command(name, help=f"Run one {name} process (what `up` starts).")
    @click.option("--fd", type=int, help="An inherited listening socket.")
    @click.option("--lifeline", type=int, help="An inherited pipe; the process ends when it closes.")
    @click.pass_obj
    def command(settings: Settings, fd: int | None, lifeline: int | None) -> None:
        run_role(settings, name, role_main, fd, lifeline)

    return command


api, fanout, pipelines = (_command(name, ROLES[name]) for name in ("api", "fanout", "pipelines"))
