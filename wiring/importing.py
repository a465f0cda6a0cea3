"""Bringing a directory in the interchange format into a running stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.clock import Clock
from interchange.importer import Importer, ImportTargets
from interchange.report import ImportReport
from stores.lake_imports import declare
from wiring.home import Home
from wiring.resources import Stores


async def import_directory(
    stores: Stores, home: Home, clock: Clock, directory: Path, say: Callable[[str], None]
) -> ImportReport:
    """Imports all of it; what is told is what the importer tells. Consumers follow: `await_drained`."""
    targets = ImportTargets(
        users=stores.users,
        graph=stores.graph,
        tweets=stores.tweets,
        engagements=stores.engagements,
        control=stores.control,
        log=stores.log,
    )
    report = await Importer(targets, clock).run(directory, say)
    # Labels of what was imported are known as far as its source is complete.
    declare(home.lake, report.digest, report.complete_until_ms)
    for line in report.lines():
        say(line)
    return report
