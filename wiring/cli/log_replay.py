"""`rankfeed log replay`: has a group of consumers handle events once more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import click

from core.clock import Clock, SystemClock
from core.errors import ConfigurationError
from eventlog.log import Offsets, OperatedLog
from eventlog.reading import replay as begin_again
from wiring.cli.log_arguments import Beginning
from wiring.cli.log_lag import print_lag
from wiring.cli.operated_log import home_with_a_log, open_log
from wiring.draining import GROUPS
from wiring.home import Home
from wiring.settings import Settings

GONE_S = 10.0
"""After this a consumer that was stopped or killed is none any more, for Kafka either."""
_LOOK_EVERY_S = 0.5


@click.command()
@click.argument("group", type=click.Choice(list(GROUPS)), metavar="GROUP")
@click.option("--topic", "topics", multiple=True, help="Only this topic of the group's; may be repeated.")
@click.option(
    "--from",
    "beginning",
    type=Beginning(),
    required=True,
    help="A time, how long ago, `oldest`, or exact offsets (tweets.v1/3@120,...).",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def replay(
    settings: Settings, group: str, topics: tuple[str, ...], beginning: int | Offsets, yes: bool
) -> None:
    """Have GROUP handle events once more, from some place on. Its consumers must have been stopped."""
    chosen = _topics_of(group, topics, beginning)
    _refuse_own_offsets(group, Home(settings.home))
    with _no_stack(settings):
        if not yes:
            click.confirm(_question(group, chosen, beginning), abort=True)
        lag = asyncio.run(_replay(settings, group, chosen, beginning))
    print_lag({group: lag}, as_lines=False)


async def _replay(
    settings: Settings, group: str, topics: Sequence[str], beginning: int | Offsets
) -> Mapping[str, int]:
    clock = SystemClock()
    async with open_log(settings, clock) as log:
        if isinstance(beginning, int):
            return await replay_once_gone(log, group, topics, clock, at_ms=beginning)
        _check_offsets(beginning, await log.ends(topics))
        return await replay_once_gone(log, group, topics, clock, offsets=beginning)


async def replay_once_gone(
    log: OperatedLog,
    group: str,
    topics: Sequence[str],
    clock: Clock,
    *,
    at_ms: int | None = None,
    offsets: Offsets | None = None,
    look_every_s: float = _LOOK_EVERY_S,
) -> Mapping[str, int]:
    """Replays; waits at most GONE_S for consumers that Kafka still counts among the group.

    One that has a name of its own (`kafka.instance`) stays among them for a session after its end.
    """
    end_s = clock.monotonic_s() + GONE_S
    while True:
        try:
            return await begin_again(log, group, topics, at_ms=at_ms, offsets=offsets)
        except ConfigurationError:
            if clock.monotonic_s() >= end_s:
                raise
        await asyncio.sleep(look_every_s)


def _no_stack(settings: Settings) -> AbstractContextManager[None]:
    """Sees to it that no stack runs in this home; on the embedded one, none may start either."""
    # Asked first: the stack that runs may not be the one that the settings name.
    home = Home(settings.home)
    if home.state() is not None:
        raise ConfigurationError(
            f"the stack in {home.root} runs, and its consumers would go on from where they are: stop it, "
            "repeat this, and start it again"
        )
    # Kafka itself knows who consumes, wherever that is.
    return home_with_a_log(settings).only_stack() if settings.stack == "embedded" else nullcontext()


def _question(group: str, topics: Sequence[str], beginning: int | Offsets) -> str:
    does = (
        "handles again what it has had since then"
        if isinstance(beginning, int)
        else "goes on exactly there, past what it may not have had,"
    )
    return f"From its next start, {group} {does} of {', '.join(topics)}. Go on?"


def _topics_of(group: str, topics: Sequence[str], beginning: int | Offsets) -> tuple[str, ...]:
    """The topics to begin again with; UsageError for one that the group does not read."""
    if isinstance(beginning, int):
        named = tuple(dict.fromkeys(topics))
    elif topics:
        raise click.UsageError("offsets name their topics: leave out --topic, or give --from a time")
    else:
        named = tuple(dict.fromkeys(tp.topic for tp in beginning))
    for topic in named:
        if topic not in GROUPS[group]:
            raise click.UsageError(f"{group} reads {', '.join(GROUPS[group])}; not '{topic}'")
    return named or GROUPS[group]


def _refuse_own_offsets(group: str, home: Home) -> None:
    kept = {"features": f"{home.features}*", "lake": str(home.lake)}
    if group in kept:
        raise ConfigurationError(
            f"{group} keeps its offsets beside what it has made of the events, and would not notice: to "
            "have it begin again with all that the log still holds, stop the stack, move "
            f"{kept[group]} away, and start it"
        )


def _check_offsets(offsets: Offsets, ends: Offsets) -> None:
    for tp, offset in offsets.items():
        if tp not in ends:
            count = sum(other.topic == tp.topic for other in ends)
            raise ConfigurationError(f"{tp.topic} has partitions 0 to {count - 1}; not {tp.partition}")
        if offset > ends[tp]:
            raise ConfigurationError(f"{tp.topic}/{tp.partition} ends at offset {ends[tp]}, before {offset}")
