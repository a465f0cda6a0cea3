"""Nothing lost, nothing doubled, everything counted: the product's words against the ledger."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from simulation.client import FeedClient
from simulation.crowd import Crowd
from simulation.ledger import Counted
from simulation.together import together
from simulation.visit import DEEP_PAGE, LiveViewer

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Audit:
    """Feeds, page by page to their ends, against what their followees and they themselves have posted."""

    feeds: int
    items: int
    lost: int
    doubled: int
    foreign: int


async def audit_feeds(crowd: Crowd, viewers: int) -> Audit:
    """Reads the whole chronological feeds of the first viewers."""
    rows = await together(_audit(crowd, viewer) for viewer in crowd.viewers[:viewers])
    return Audit(len(rows), *(sum(column) for column in zip(*rows, strict=True)))


async def counts_agree(crowd: Crowd, client: FeedClient, most: int, patience_s: float) -> float | None:
    """Seconds until the API says of each touched tweet what was acknowledged; None where not in time.

    Looks at `most` of them, the newest; what was deleted has no counts any more.
    """
    began_s = time.monotonic()
    wrong = sorted(crowd.ledger.touched - crowd.ledger.deleted)[-most:]
    while wrong and time.monotonic() - began_s < patience_s:
        said = await together(_said(client, tweet_id) for tweet_id in wrong)
        wrong = [one for one, counted in said if counted != crowd.ledger.counted(one)]
        if wrong:
            await asyncio.sleep(_POLL_S)
    return None if wrong else time.monotonic() - began_s


async def _audit(crowd: Crowd, viewer: LiveViewer) -> tuple[int, int, int, int]:
    truth = crowd.ledger.feed_of(viewer.number)
    shown: list[int] = []
    cursor = None
    while True:
        page = await viewer.client.feed(algorithm="chronological", limit=DEEP_PAGE, cursor=cursor)
        shown += [int(tweet["tweet_id"]) for tweet in page["tweets"]]
        cursor = page["next_cursor"]
        if cursor is None:
            distinct = set(shown)
            return len(shown), len(truth - distinct), len(shown) - len(distinct), len(distinct - truth)


async def _said(client: FeedClient, tweet_id: int) -> tuple[int, Counted]:
    said = (await client.tweet(tweet_id))["engagement"]
    return tweet_id, Counted(said["likes"], said["retweets"], said["replies"])
