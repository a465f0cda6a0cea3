"""`rankfeed chaos`: something is taken from a running stack for a while, in sight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import click

from core.clock import SystemClock
from ranking.faults import LONGEST_S, FaultName
from wiring.environment import overlaid
from wiring.home import Home
from wiring.interrupted import EXIT_CODE, Interruptible
from wiring.settings import Settings

if TYPE_CHECKING:
    from wiring.chaos.act import ChaosAct

SHORTEST_S = 1.0
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m)", re.ASCII)
_UNIT_S = {"s": 1.0, "m": 60.0}


class _Duration(click.ParamType[float]):
    """Seconds or minutes, as in 5s and 2m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = _DURATION.fullmatch(value)
        if match is None:
            self.fail(f"'{value}' is no time: say seconds or minutes, as in 5s or 2m", param, ctx)
        seconds = float(match[1]) * _UNIT_S[match[2]]
        if not SHORTEST_S <= seconds <= LONGEST_S:
            self.fail(
                f"'{value}' is out of bounds: a fault stands for {SHORTEST_S:.0f}s to {LONGEST_S / 60:.0f}m",
                param,
                ctx,
            )
        return seconds


@click.command()
@click.argument("faults", nargs=-1, required=True, type=click.Choice(get_args(FaultName)), metavar="FAULT...")
@click.option(
    "--for",
    "for_s",
    type=_Duration(),
    default="5s",
    show_default=True,
    help="How long each, 1s to 5m; it ends by itself, even if this command is killed.",
)
@click.option(
    "--viewer",
    type=click.IntRange(1, 2**63 - 1),
    help="In whose name feeds are asked for; by default somebody who was here lately.",
)
@click.option(
    "--token-file",
    type=click.File("r"),
    help="The viewer's token, where RANKFEED_AUTH_JWKS names an issuer of yours; - reads it from the input.",
)
@click.pass_obj
def chaos(
    settings: Settings, faults: tuple[FaultName, ...], for_s: float, viewer: int | None, token_file: Any
) -> None:
    """Take something from the running stack, and watch ranked feeds go down the ladder and come back.

    One after the other, each once feeds are ranked in full again; exits 1 where they are not.

    \b
    redis     Redis does not answer (only a Redis that the stack itself has started)
    features  feature rows are lost, and written anew
    model     the model fails
    slow      scoring takes longer than it may
    """
    from wiring.chaos.client import Asker, watched_chaos
    from wiring.chaos.course import Planned

    state = Home(settings.home).require_state()
    asker = Asker(viewer, None if token_file is None else token_file.read().strip())
    plan = [Planned(one, for_s) for one in faults]
    settings = overlaid(settings, state.settings)
    course = watched_chaos(settings, state, plan, asker, SystemClock(), click.echo)
    try:
        with Interruptible() as interruptible:
            act = interruptible.run(course)
    except KeyboardInterrupt:
        click.echo("stopped")
        raise click.exceptions.Exit(EXIT_CODE) from None
    _tell(act)


def _tell(act: ChaosAct) -> None:
    for line in act.lines():
        click.echo(line)
    if act.refused:
        click.echo(f"{act.refused} of {act.refused + len(act.rungs)} requests were answered 503")
