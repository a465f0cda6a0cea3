"""What the metric says of a pipeline whose files are damaged."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from core.waiting import happens


async def until_damaged(pipeline: str) -> None:
    """Waits for the metric to say so."""
    look = asyncio.Event()
    async with asyncio.timeout(10):
        while not is_damaged(pipeline):
            await happens(look, 0.001)


def is_damaged(pipeline: str) -> bool:
    return REGISTRY.get_sample_value("rankfeed_pipeline_damaged", {"pipeline": pipeline}) == 1.0
