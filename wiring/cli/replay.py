"""`rankfeed replay`: what a request was served, computed once more, and why it stood where it did."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.clock import SystemClock
from core.errors import ConfigurationError, Corrupt
from wiring.cli.model_labels import bundle_directory
from wiring.cli.moment import Moment
from wiring.cli.operated_log import open_log
from wiring.home import Home
from wiring.resources import open_stores
from wiring.running_stack import as_running
from wiring.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ranking.objective import Objective
    from training.replayed import ReplayedPage
    from training.served_records import Recorded


class RequestId(click.ParamType[uuid.UUID]):
    """A `request_id` as `meta` has it, or as the lake writes it."""

    name = "request_id"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> uuid.UUID:
        try:
            request = uuid.UUID(str(value))
        except ValueError:
            self.fail(f"'{value}' is no request id: it stands in a feed's `meta.request_id`", param, ctx)
        if request.version != 7:
            self.fail(f"'{value}' is no request id of ours: those are UUIDs of version 7", param, ctx)
        return request


@click.command()
@click.argument("request", metavar="REQUEST_ID", type=RequestId(), required=False)
@click.option("--all", "everything", is_flag=True, help="Pages of the lake instead of one request, in sums.")
@click.option("--from", "from_ms", type=Moment(), help="With --all: pages served since then.")
@click.option("--until", "until_ms", type=Moment(), help="With --all: pages served before then.")
@click.option(
    "--sample", type=click.IntRange(1), default=1_000, show_default=True, help="With --all: so many pages."
)
@click.option(
    "--from-rows", is_flag=True, help="Features from the rows that the records name, not as served."
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write it there too."
)
@click.pass_context
def replay(
    context: click.Context,
    request: uuid.UUID | None,
    everything: bool,
    from_ms: int | None,
    until_ms: int | None,
    sample: int,
    from_rows: bool,
    json_file: Path | None,
) -> None:
    """Say why a served page was as it was: compute it once more from its record.

    Ends with 1 where any bit differs.
    """
    import msgspec

    from training.replay_table import page_lines

    settings = context.find_object(Settings)
    assert settings is not None  # the group sets it
    if everything == (request is not None):
        raise click.UsageError("give a REQUEST_ID, or --all")
    if request is not None:
        recorded = _recorded(settings, request)
        (page,) = _replayed(settings, [recorded], from_rows)
        if json_file is not None:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(page)))
        for line in page_lines(page):
            click.echo(line)
        context.exit(0 if page.equal else 1)
    records = _lake_records(settings, from_ms, until_ms, sample)
    left_out: Counter[str] = Counter()
    pages = list(_replayed(settings, records, from_rows, left_out))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.encode(pages))
    items = [item for page in pages for item in page.items]
    equal = sum(not item.differs for item in items)
    click.echo(f"{equal:,} of {len(items):,} items of {len(pages):,} pages have equal bits")
    differing = Counter(name for item in items for name in item.differs)
    for name, count in sorted(differing.items()):
        click.echo(f"  {name} differs in {count:,}")
    for why, count in left_out.items():
        click.echo(f"left out, {count:,} pages: {why}", err=True)
    context.exit(0 if equal == len(items) > 0 and not left_out else 1)


def _recorded(settings: Settings, request: uuid.UUID) -> Recorded:
    """From the lake, else from the log; raises ConfigurationError where neither has it."""
    from stores.lake import LakeReader
    from training.served_records import lake_record

    missing = "the lake does not have it"
    try:
        found = lake_record(LakeReader(Home(settings.home).lake), request)
    except ConfigurationError as exc:
        found, missing = None, str(exc)
    if found is None:
        try:
            found = asyncio.run(_logged(as_running(settings), request))
        except ConfigurationError as exc:
            missing = f"{missing}; {exc}"
    if found is None:
        raise ConfigurationError(
            f"nothing is known of request {request}: {missing}, and the log neither. A record may come "
            "seconds after its page; a log keeps a week."
        )
    return found


async def _logged(settings: Settings, request: uuid.UUID) -> Recorded | None:
    from eventlog.envelope import decode_envelope
    from eventlog.reading import read
    from eventlog.schema import SCORED, SERVED, Scored, Served, decode_event
    from training.served_records import Recorded, request_range

    served: tuple[Served, int] | None = None
    slate: Scored | None = None
    topics = (SERVED, SCORED)
    async with open_log(settings, SystemClock()) as log:
        start = await log.offsets_at(topics, request_range(request)[0])
        async with aclosing(read(log, topics, start=start)) as entries:
            async for entry in entries:
                # Decoding what cannot be it would take most of the time.
                if request.bytes not in entry.value:
                    continue
                try:
                    envelope = decode_envelope(entry.value)
                    event = decode_event(envelope)
                except Corrupt:
                    continue
                if isinstance(event, Served) and event.request_id == request.bytes:
                    served = event, envelope.ts_ms
                elif isinstance(event, Scored) and event.request_id == request.bytes and event.multipliers:
                    slate = event
    return None if served is None else Recorded(*served, slate)


def _lake_records(settings: Settings, from_ms: int | None, until_ms: int | None, most: int) -> list[Recorded]:
    from stores.lake import LakeReader
    from training.served_records import lake_records

    reader = LakeReader(Home(settings.home).lake)
    found = lake_records(reader, from_ms=from_ms, to_ms=until_ms, most=most, seed=1)
    if not found:
        raise ConfigurationError(
            "nothing was served with scores in that range: promote a model (`rankfeed models promote`), have "
            "feeds read, or choose another range"
        )
    return found


def _replayed(
    settings: Settings, records: Sequence[Recorded], from_rows: bool, left_out: Counter[str] | None = None
) -> Iterable[ReplayedPage]:
    """Each page; why one cannot be replayed is counted in `left_out`, or raised where there is none."""
    from features.offline_rows import DIRECTORY, OFFLINE
    from stores.lake import LakeReader
    from training.replay import Replayer, replayable
    from training.replay_rows import rebuilt_features

    home = Home(settings.home)
    good = []
    for one in records:
        try:
            replayable(one.served)
            good.append(one)
        except ConfigurationError as exc:
            if left_out is None:
                raise
            left_out[str(exc)] += 1
    labels = {one.served.objective or "" for one in good}
    replayer = Replayer(
        lambda label: bundle_directory(home, label), asyncio.run(_objectives(settings, home, labels))
    )
    features: Sequence[NDArray[np.float32] | None] = [None] * len(good)
    if from_rows and good:
        features = rebuilt_features(LakeReader(home.lake / DIRECTORY, OFFLINE), good)
    for one, of_rows in zip(good, features, strict=True):
        try:
            yield replayer.page(one, of_rows)
        except ConfigurationError as exc:
            if left_out is None:
                raise
            left_out[str(exc)] += 1


async def _objectives(settings: Settings, home: Home, labels: Iterable[str]) -> dict[str, Objective]:
    """Those of the control store's history that have these labels."""
    from ranking.objectives import Objectives

    found = {}
    async with open_stores(as_running(settings), home, SystemClock()) as stores:
        objectives = Objectives(stores.control, SystemClock())
        for label in labels:
            number = label.rpartition("@")[2]
            try:
                one = await objectives.version(int(number))
            except (ConfigurationError, ValueError):
                continue
            if one.label == label:
                found[label] = one
    return found
