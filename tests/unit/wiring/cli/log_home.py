"""A data directory with a log in it, and commands that are run in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from core.clock import SystemClock
from stores.ports import OutboxRecord
from stores.sqlite import open_facts
from wiring.cli import main
from wiring.cli.operated_log import open_log
from wiring.home import Home
from wiring.settings import Settings


class LogHome:
    def __init__(self, root: Path) -> None:
        self.root = root
        open_facts(Home(root).facts).close()

    def append(self, records: Sequence[OutboxRecord]) -> None:
        async def append() -> None:
            async with open_log(Settings(home=self.root), SystemClock()) as log:
                await log.append(records)

        asyncio.run(append())

    def catch_up(self, group: str, topics: Sequence[str]) -> None:
        """Commits everything that there is."""

        async def commit() -> None:
            async with open_log(Settings(home=self.root), SystemClock()) as log:
                await log.reset(group, await log.ends(topics))

        asyncio.run(commit())

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        return run(self.root, *arguments, answer=answer)


def run(home: Path, *arguments: str, answer: str | None = None) -> Result:
    """`rankfeed ARGUMENTS`; what is typed when it asks is `answer`."""
    result = CliRunner().invoke(main, arguments, env={"RANKFEED_HOME": str(home)}, input=answer)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result
