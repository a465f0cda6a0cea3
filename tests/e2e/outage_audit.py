"""What must be true after an outage: of feeds, of tables, of Redis and of what the log told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from core.ids import UserId
from tests.e2e.backstage import Backstage
from tests.e2e.outage_load import TRIES, OutageLoad
from timelines.relations import decode_followees, followees_key

PAGE = 100


@dataclass(slots=True)
class Audit:
    """Counts over all feeds, and what is wrong with edges in words."""

    feeds: int = 0
    items: int = 0
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    disordered: int = 0
    wrong_edges: list[str] | None = None

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.foreign or self.disordered or self.wrong_edges)

    def __str__(self) -> str:
        edges = "; ".join(self.wrong_edges or ()) or "edges agree"
        return (
            f"{self.items:,} items in {self.feeds} feeds: {self.lost} lost, {self.doubled} doubled; {edges}"
        )


async def audit(load: OutageLoad, backstage: Backstage) -> Audit:
    """Every viewer's whole feed against what was acknowledged; every toggled edge in all its places."""
    found = Audit(wrong_edges=[])
    for user in (*load.viewers, *load.togglers):
        followed = set(load.authors)
        if user in load.togglers and not load.following.get(user, False):
            followed.discard(load.idol)
        truth = {key: tweet_id for key, tweet_id in load.posts.items() if load.author_of[key] in followed}
        await _audit_feed(found, load, user, truth)
    told = await backstage.told_of_follows()
    assert found.wrong_edges is not None
    for toggler, on in load.following.items():
        stored = await backstage.stores.graph.followees(UserId(toggler))
        # The audit has read this feed: whatever is cached now was made, or left, after the outage.
        cached = decode_followees(await backstage.redis.get(followees_key(toggler)))
        last = told.get((toggler, load.idol))
        says = {
            "store": load.idol in stored.ids,
            "redis": cached is not None and load.idol in cached.ids,
            "log": last is not None and last.on,
        }
        if set(says.values()) != {on}:
            found.wrong_edges.append(f"user {toggler} left it {on}, and they say {says}")
        elif cached is None or cached.ver != stored.ver or last is None or last.ver > stored.ver:
            found.wrong_edges.append(f"user {toggler}: versions of store {stored.ver}, {cached}, {last}")
    return found


async def _audit_feed(found: Audit, load: OutageLoad, user: int, truth: dict[str, int]) -> None:
    ids: list[int] = []
    texts: list[str] = []
    cursor: str | None = None
    while True:
        following = {} if cursor is None else {"cursor": cursor}
        page = await _whole_page(load, user, {"limit": PAGE, **following})
        ids += [int(tweet["tweet_id"]) for tweet in page["tweets"]]
        texts += [tweet["text"] for tweet in page["tweets"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    found.feeds += 1
    found.items += len(ids)
    found.lost += len(set(truth.values()) - set(ids))
    # A key that was posted twice shows its text twice, under two ids.
    found.doubled += len(texts) - len(set(texts))
    found.foreign += len(set(ids) - set(truth.values()))
    found.disordered += ids != sorted(ids, reverse=True)


async def _whole_page(load: OutageLoad, user: int, parameters: dict[str, int | str]) -> dict[str, Any]:
    """One that says that it is all there: right after a disturbance the stores may still be slow."""
    for _ in range(TRIES):
        page: dict[str, Any] = (await load.must(200, "GET", "/v1/feed", user, params=parameters)).json()
        if not page["meta"]["partial"] and page["meta"]["rung"] != "last_page":
            return page
        await asyncio.sleep(1)
    raise AssertionError(f"user {user} is only shown a part: {page['meta']}")
