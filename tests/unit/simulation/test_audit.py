"""The audit finds what is lost, doubled or foreign, and counts that stay wrong."""

from __future__ import annotations

from simulation.audit import Audit, audit_feeds, counts_agree
from simulation.world import make_world
from tests.unit.simulation.product import FIRST_TWEET, crowd_of

WORLD = make_world(60, 4)


async def test_a_whole_feed_is_compared_with_what_was_acknowledged() -> None:
    crowd, product, http = crowd_of(WORLD, 130)
    for author in range(len(WORLD.authors)):
        crowd.ledger.followed(0, author)
    async with http:
        assert await audit_feeds(crowd, 1) == Audit(1, 130, 0, 0, 0)
        crowd.ledger.delete(FIRST_TWEET)
        product.tweets.remove(FIRST_TWEET + 1)
        product.tweets.append(FIRST_TWEET + 2)
        assert await audit_feeds(crowd, 1) == Audit(1, 130, lost=1, doubled=1, foreign=1)


async def test_counts_are_what_was_acknowledged_or_that_is_told() -> None:
    crowd, _, http = crowd_of(WORLD, 130)
    async with http:
        for session in range(3):
            await crowd.visits(session)
        client = crowd.viewers[0].client
        assert await counts_agree(crowd, client, 500, 5.0) is not None
        crowd.ledger.liked(-1, max(crowd.ledger.touched))
        assert await counts_agree(crowd, client, 500, 0.3) is None
