"""The demo's acts with people in them: they post and read, meet a fault, like, and read to the end."""

from __future__ import annotations

from collections.abc import Callable

from ranking.bundle import load_bundle
from ranking.objective import Objective
from simulation.audit import Audit, audit_feeds, counts_agree
from simulation.client import FeedClient
from simulation.crowd import Crowd
from simulation.judgement import Judgement, judge
from simulation.lift import Lift, measure_lift
from simulation.visit import Visit
from stores.slates import SlateStore
from training.train import Trained
from wiring.chaos.act import ChaosAct
from wiring.chaos.faults import ALLOWED
from wiring.demo.chaos import act_of_chaos
from wiring.demo.feeds import FeedsBeside, feeds_table, side_by_side
from wiring.demo.logistic_order import LogisticOrder
from wiring.demo.show import DemoFailed, DemoShow
from wiring.redis_settings import opened_redis

COUNTED_WITHIN_S = 30.0
COUNTED = 300
DELETING = 8


async def posting(show: DemoShow, crowd: Crowd) -> list[float]:
    """Milliseconds from each of some posts to a follower's feed."""
    show.title("From a post to a follower's feed")
    waits = [await crowd.time_to_feed_ms(probe) for probe in range(show.size.probes)]
    median_ms = sorted(waits)[len(waits) // 2]
    show.say(f"{median_ms:.0f} ms in the median of {len(waits)}, {max(waits):.0f} ms at worst")
    return waits


async def visits(show: DemoShow, crowd: Crowd) -> Lift:
    """Every viewer comes, in their arm. What each arm was worth to its viewers."""
    show.title("Viewers come: time order, chance, ranked, and the best possible order")
    visits: list[Visit] = []
    for session in range(show.size.sessions):
        posted = await crowd.post(show.size.posts)
        await show.drained()
        came = await crowd.visits(session)
        looks, clicks = sum(one.looks for one in came), sum(one.clicks for one in came)
        show.say(
            f"{posted} tweets posted, {len(came)} sessions: {looks:,} looks, {clicks:,} clicks "
            f"({clicks / max(1, looks):.0%})"
        )
        visits += came
    return measure_lift(visits, len(crowd.viewers), show.seed)


async def chaos(show: DemoShow, crowd: Crowd, client_of: Callable[[int], FeedClient]) -> ChaosAct | None:
    """None where the stack may not be disturbed. `client_of` makes clients who take a 503 for an answer."""
    show.title("Something breaks, twice")
    if show.state.settings.get(ALLOWED) != "true":
        show.say(f"not here: this stack may not be disturbed ({ALLOWED})")
        return None
    act = await act_of_chaos(crowd, client_of, show.settings, show.state, show.clock, show.say)
    for line in act.lines():
        show.say(line)
    return act


async def comparison(
    show: DemoShow, crowd: Crowd, trained: Trained, objective: Objective
) -> tuple[Judgement, FeedsBeside]:
    """How good the orders are, and both feeds of who gains most. Raises DemoFailed where none was ranked."""
    show.title("Chronological beside ranked")
    if not crowd.pages.served_ranked:
        page = await crowd.viewers[0].client.feed(algorithm="ranked")
        raise DemoFailed(f"no feed was served ranked; meta says {page['meta']}")
    async with opened_redis(show.settings) as redis:
        heads = [head.name for head in load_bundle(trained.bundle).manifest.heads]
        slates = SlateStore(redis)
        regression = await show.beside(LogisticOrder, trained.found, heads, objective, slates)
        judgement = await judge(crowd, show.size.judged, show.seed, regression.order)
    feeds = await side_by_side(crowd, judgement.most)
    show.show(feeds_table(feeds))
    return judgement, feeds


async def reactions(show: DemoShow, crowd: Crowd) -> None:
    """Raises DemoFailed where counts do not come to what was acknowledged."""
    show.title("Likes, replies, retweets and deletions")
    deleted = await crowd.delete(DELETING)
    waited_s = await counts_agree(crowd, crowd.viewers[0].client, COUNTED, COUNTED_WITHIN_S)
    if waited_s is None:
        raise DemoFailed(f"after {COUNTED_WITHIN_S:.0f} s the counts are not what was acknowledged")
    show.say(
        f"{deleted} tweets deleted by their authors; the counts of {len(crowd.ledger.touched)} tweets "
        f"are what was acknowledged, {waited_s:.1f} s afterwards"
    )


async def audit(show: DemoShow, crowd: Crowd) -> Audit:
    """Raises DemoFailed where anything is lost, doubled, or where it does not belong."""
    show.title("Nothing lost, nothing doubled")
    audit = await audit_feeds(crowd, show.size.audited)
    show.say(
        f"{audit.feeds} feeds read to their end, {audit.items:,} items: {audit.lost} lost, "
        f"{audit.doubled} doubled, {audit.foreign} that do not belong there"
    )
    if audit.lost or audit.doubled or audit.foreign:
        raise DemoFailed("the feeds are not what was posted")
    return audit
