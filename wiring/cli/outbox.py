"""`rankfeed outbox`: writes that the relay set aside, on the distributed stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

from core.clock import SystemClock
from core.errors import ConfigurationError, Corrupt, NotFound
from eventlog.reading import content_of
from wiring.process import configure_logging
from wiring.running_stack import as_running
from wiring.settings import Settings

if TYPE_CHECKING:
    from stores.cassandra.outbox import CassandraOutbox, Refused


@click.group()
@click.pass_obj
def outbox(settings: Settings) -> None:
    """Writes that the relay could not finish, set aside with their cause (Cassandra and Kafka only)."""
    configure_logging(settings, "outbox")


@outbox.command()
@click.option("--json", "as_lines", is_flag=True, help="One JSON line a write, with its events.")
@click.pass_obj
def refused(settings: Settings, as_lines: bool) -> None:
    """List the writes that were set aside."""

    async def ask() -> list[Refused]:
        async with _opened(settings) as opened:
            return await opened.refused()

    found = asyncio.run(ask())
    for one in found:
        said = _described(one)
        click.echo(msgspec.json.encode(said) if as_lines else f"{said['id']:<19} {one.cause}")
    if not found and not as_lines:
        click.echo("no write was set aside")


@outbox.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--all", "all_", is_flag=True, help="Every write that was set aside.")
@click.pass_obj
def redrive(settings: Settings, ids: tuple[int, ...], all_: bool) -> None:
    """Give writes back to the relay, once what they failed with has been mended."""
    if bool(ids) == all_:
        raise click.UsageError("name writes by their ids, or all of them by --all")

    async def give_back() -> int:
        async with _opened(settings) as opened:
            found = await opened.refused()
            for id_ in ids:
                if not any(one.event_id == id_ for one in found):
                    raise NotFound(
                        f"no write {id_} was set aside; `rankfeed outbox refused` lists those that were"
                    )
            chosen = [one for one in found if all_ or one.event_id in ids]
            for one in chosen:
                await opened.redrive(one)
            return len(chosen)

    given = asyncio.run(give_back())
    click.echo(f"given back to the relay: {given}; what fails again is in `rankfeed outbox refused`")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[CassandraOutbox]:
    """Needs nothing but Cassandra. Raises ConfigurationError, or Unavailable where it is away."""
    settings = as_running(settings)
    if settings.stack == "embedded":
        raise ConfigurationError(
            "the embedded stack has no outbox beside its log, so nothing is set aside there: this is for "
            "RANKFEED_STACK=distributed; events that consumers set aside are in `rankfeed dlq list`"
        )
    # Imported here: the driver takes its time, and the embedded stack does not need it.
    from stores.cassandra.outbox import CassandraOutbox
    from stores.cassandra.session import connect
    from wiring.distributed import cassandra_options

    session = await connect(cassandra_options(settings))
    try:
        yield CassandraOutbox(session, SystemClock())
    finally:
        await session.close()


def _described(one: Refused) -> dict[str, Any]:
    from stores.cassandra.entry import decode_entry

    said: dict[str, Any] = {"id": str(one.event_id), "cause": one.cause}
    try:
        records = decode_entry(one.raw).records
    except Corrupt:
        return said | {"raw": one.raw}
    return said | {
        "events": [
            {"topic": record.topic, "key": str(record.key), **content_of(record.value)} for record in records
        ]
    }
