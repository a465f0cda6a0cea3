"""Files of a pipeline that somebody has to mend: said, alarmed on, and waited out.

It is one pipeline that stands still then. Those beside it in the process have files of their own, and
nobody's deletions and counts wait for a lake.
"""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import Gauge

from core.errors import Corrupt
from core.waiting import happens

DAMAGED = Gauge(
    "rankfeed_pipeline_damaged", "1 while a pipeline waits for somebody to mend its files", ["pipeline"]
)

RETRY_S = 10.0
"""Between two looks, each of which is an error in the log and a look at every file of a lake."""


class Damage:
    """That of the files of one `pipeline`; a fresh one knows of none."""

    def __init__(self, pipeline: str, retry_s: float = RETRY_S) -> None:
        self._retry_s = retry_s
        self._gauge = DAMAGED.labels(pipeline)
        self._gauge.set(0)
        self._logger = structlog.get_logger("damage").bind(pipeline=pipeline)

    async def wait_out(self, cause: Corrupt, stop: asyncio.Event) -> None:
        """Says what is wrong and what to do about it; returns when it is time to look again, or at `stop`."""
        self._gauge.set(1)
        self._logger.error("pipeline_damaged", error=str(cause))
        await happens(stop, self._retry_s)

    def mended(self) -> None:
        """The files could be opened."""
        self._gauge.set(0)
