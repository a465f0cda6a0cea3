"""A ranked scroll with things happening between its pages, and what must be true of it all the same.

Of what the viewer could see when the scroll began, everything is shown once, unless it was taken away
meanwhile; nothing is shown that may not be; and pages are full until the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import Corrupt, Unavailable
from core.ids import UserId
from core.types import Tweet
from ranking.candidate import POPULAR_SOURCE, root_id
from ranking.objective import ENGAGEMENT
from ranking.query import FeedItem, FeedPage, FeedPosition
from stores.slates import SLATES, Slate
from tests.unit.ranking.fake_ranking import FakeModel, FakeSlates
from tests.unit.ranking.feed_world import VIEWER, FeedWorld

FOLLOWED = (21, 22, 23, 24)
STRANGERS = (61, 62, 63)
AUTHORS = (*FOLLOWED, int(VIEWER), *STRANGERS)
FIRST_ID = 101
_GAP_MS = 3_000
_MOST_PAGES = 200

StepKind = Literal[
    "post",
    "retweet",
    "delete",
    "unfollow",
    "follow",
    "block",
    "mute",
    "popular",
    "trim",
    "promote",
    "flush",
    "expire",
    "elsewhere",
    "look",
    "features_away",
    "model_fails",
    "breaker_opens",
    "redis_away",
    "store_away",
    "heal",
]


class Step(NamedTuple):
    """What happens, to whom or what: numbers are taken modulo what there is."""

    kind: StepKind
    a: int = 0
    b: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """`tweets` are authors and, of a retweet, what it retweets; `gaps` what happens before each page."""

    tweets: tuple[tuple[int, int | None], ...]
    gaps: tuple[tuple[Step, ...], ...]
    follows: tuple[int, ...] = FOLLOWED
    popular: tuple[int, ...] = ()
    limit: int = 3
    looked: bool = False
    """Whether the viewer has begun a scroll before this one."""


async def tell(script: Script, executor: ThreadPoolExecutor) -> Counter[str]:
    """Raises AssertionError where something is not as it must be; returns what happened, how often."""
    scroll = _Scroll(script, executor)
    await scroll.to_its_end()
    return scroll.happened


def taste(seed: int) -> FakeModel:
    """A model with a taste of its own."""

    def score(n: int) -> NDArray[np.float32]:
        return np.random.default_rng(seed).random((n, 1), np.float32)

    model = FakeModel(score)
    model.label = f"home@{seed}"
    return model


def _failing(n: int) -> NDArray[np.float32]:
    raise Corrupt("the model is broken")


class _Slates(FakeSlates):
    """Slates that were made here are kept here too, until there is another `here`."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Slate] = {}

    async def put(self, viewer: UserId, slate: Slate) -> None:
        await super().put(viewer, slate)
        self.kept[slate.slate_id] = slate

    async def get(self, viewer: UserId, slate_id: str) -> Slate | None:
        return self.kept.get(slate_id) or await super().get(viewer, slate_id)

    def flush(self) -> None:
        self.slates.clear()
        self.seen.clear()
        self.recommended.clear()


class _Scroll:
    def __init__(self, script: Script, executor: ThreadPoolExecutor) -> None:
        self.happened: Counter[str] = Counter()
        self._script = script
        self._world = FeedWorld(executor)
        self._world.model = taste(0)
        self._world.slates = self._slates = _Slates()
        self._world.use(ENGAGEMENT)
        self._ids = iter(range(FIRST_ID, FIRST_ID + 10_000))
        self._listed: list[int] = []
        self._floor = 0
        self._popular: list[int] = []
        # What is owed: by root, all that the viewer could see of it when the scroll began.
        self._owed: dict[int, set[int]] = {}
        self._promised: set[int] = set()
        self._shown: dict[int, FeedItem] = {}
        self._forgotten = self._may_repeat = False
        self._begin()

    def _begin(self) -> None:
        timelines = self._world.timelines
        for author in AUTHORS:
            self._world.post(author, followed=author in self._script.follows)
        for author, original in self._script.tweets:
            self._write(author, original)
        timelines.listed = self._listed
        self._recommend(self._script.popular)

    async def to_its_end(self) -> None:
        if self._script.looked:
            await self._world.page(limit=self._script.limit)
            # What another scroll served would not be in a slate that is made again.
            self._slates.seen.clear()
            self._slates.recommended.clear()
        position: FeedPosition | None = None
        for number in range(_MOST_PAGES):
            for step in self._script.gaps[number] if number < len(self._script.gaps) else ():
                if not (step.kind == "store_away" and position is None):
                    self._take(step)
            self._world.clock.advance(_GAP_MS)
            page = await self._page(position)
            self._check(page)
            position = page.next_position
            if position is None:
                self._check_end()
                return
        raise AssertionError("the scroll does not end")

    async def _page(self, position: FeedPosition | None) -> FeedPage:
        world = self._world
        if position is None:
            self._note_what_is_owed()
        try:
            page = await world.page(limit=self._script.limit, position=position)
        except Unavailable:
            self.happened["come again"] += 1
            self._heal()
            page = await world.page(limit=self._script.limit, position=position)
        self.happened[f"{page.meta.rung} page"] += 1
        if position is None and page.meta.slate is not None:
            self._note_what_is_promised(page.meta.slate)
        lost = page.meta.remade or page.meta.reason == "slate_lost"
        if lost:
            self.happened["lost slate"] += 1
            self._promised.clear()
            self._may_repeat |= self._forgotten
        # The store of slates fails open: what it could not be told it does not know.
        self._forgotten |= world.slates.away
        return page

    # -- what must be true ---------------------------------------------------------------------------

    def _check(self, page: FeedPage) -> None:
        limit, ids = self._script.limit, [item.tweet.tweet_id for item in page.items]
        assert len(ids) == limit or (len(ids) < limit and page.next_position is None), f"a short page: {ids}"
        for item in page.items:
            recommended = item.source == POPULAR_SOURCE
            assert self._may_see(item.tweet, recommended=recommended), f"{item.tweet} may not be shown"
            root = item.root.tweet.tweet_id
            assert self._may_repeat or root not in self._shown, f"shown again: {root}"
            self._shown[root] = item
            self.happened[item.source] += 1

    def _check_end(self) -> None:
        lacking = self._owed.keys() - self._shown.keys()
        assert not lacking, f"never shown: {lacking}"
        assert self._promised <= self._shown.keys(), f"never shown: {self._promised - self._shown.keys()}"

    def _note_what_is_owed(self) -> None:
        self._owed.clear()
        for tweet in self._world.tweets.tweets.values():
            if self._may_see(tweet):
                self._owed.setdefault(root_id(tweet), set()).add(tweet.tweet_id)

    def _note_what_is_promised(self, slate_id: str) -> None:
        slate = SLATES.decode(self._world.slates.slates.get(slate_id))
        assert slate is not None
        told = zip(np.frombuffer(slate.ids, "<i8").tolist(), slate.sources, strict=True)
        self._promised = {one for one, source in told if source == POPULAR_SOURCE}

    def _may_see(self, tweet: Tweet, *, recommended: bool = False) -> bool:
        tweets, timelines = self._world.tweets.tweets, self._world.timelines
        root = tweets.get(root_id(tweet))
        if root is None or tweet.tweet_id not in tweets:
            return False
        by = {tweet.author_id, root.author_id}
        followed = tweet.author_id in timelines.authors or recommended
        return followed and not by & (timelines.blocked | timelines.muted)

    def _note_what_is_taken_away(self) -> None:
        """Of a root of which anything goes nothing is owed: what stood for it may have been just that."""
        tweets = self._world.tweets.tweets
        for root, items in list(self._owed.items()):
            if not all(one in tweets and self._may_see(tweets[one]) for one in items):
                del self._owed[root]
        self._promised = {
            one for one in self._promised if one in tweets and self._may_see(tweets[one], recommended=True)
        }
        # What was shown of a root and is taken back leaves its place to the next one (ADR 0020).
        for root, item in list(self._shown.items()):
            if not self._may_see(item.tweet, recommended=item.source == POPULAR_SOURCE):
                del self._shown[root]

    # -- what happens --------------------------------------------------------------------------------

    def _take(self, step: Step) -> None:
        world, timelines = self._world, self._world.timelines
        self.happened[step.kind] += 1
        author = AUTHORS[step.a % len(AUTHORS)]
        match step.kind:
            case "post":
                self._write(author, None)
            case "retweet":
                self._write(author, step.b)
            case "delete":
                known = sorted(world.tweets.tweets)
                if known:
                    del world.tweets.tweets[known[-1 - step.b % len(known)]]
            case "unfollow":
                timelines.authors -= {author} - {int(VIEWER)}
            case "follow":
                self._follow(author)
            case "block":
                # It ends the follow.
                timelines.blocked |= {author} - {int(VIEWER)}
                timelines.authors -= {author} - {int(VIEWER)}
            case "mute":
                timelines.muted |= {author} - {int(VIEWER)}
            case "popular":
                self._recommend(range(step.a, step.a + 8))
            case "trim":
                self._listed[:] = sorted(self._listed)[-1 - step.b :]
                self._floor = min(self._listed, default=0)
            case _:
                self._disturb(step)
        self._note_what_is_taken_away()

    def _disturb(self, step: Step) -> None:
        world = self._world
        match step.kind:
            case "promote":
                world.model = taste(step.a)
            case "flush":
                self._slates.flush()
                world.features.flushed = True
                world.popular.ids = []
                self._listed[:] = [
                    one.tweet_id
                    for one in world.tweets.tweets.values()
                    if one.author_id in world.timelines.authors
                ]
                self._forgotten, self._floor = True, 0
            case "expire":
                self._slates.slates.clear()
                self._slates.kept.clear()
            case "elsewhere":
                self._slates.kept.clear()
            case "look":
                # A slate that is made again is made with that in mind.
                world.features.seen = list(self._shown)
            case "features_away":
                world.features.away = True
            case "model_fails":
                world.model = FakeModel(_failing)
            case "breaker_opens":
                world.open_breaker()
            case "redis_away":
                world.timelines.origin, world.timelines.listed = "store", []
                world.slates.away = world.features.away = world.popular.away = True
            case "store_away":
                world.tweets.away = True
            case "heal":
                self._heal()

    def _heal(self) -> None:
        world = self._world
        world.timelines.origin, world.timelines.listed = "list", self._listed
        world.slates.away = world.features.away = world.popular.away = world.tweets.away = False
        world.features.flushed = False
        world.model = taste(1)
        world.popular.ids = self._popular

    def _write(self, author: int, original: int | None) -> None:
        world, tweet_id = self._world, next(self._ids)
        followed = author in world.timelines.authors
        roots = sorted(one.tweet_id for one in world.tweets.tweets.values() if one.retweet_of is None)
        if original is None or not roots:
            world.post(author, tweet_id, followed=False)
        else:
            world.retweet(author, tweet_id, roots[-1 - original % len(roots)], followed=False)
        if followed:
            self._listed.append(tweet_id)

    def _follow(self, author: int) -> None:
        """Their tweets come into the list; what they retweeted among what is above is theirs from then on,
        and stands on no later page (ADR 0020)."""
        world = self._world
        if author in world.timelines.authors or author in world.timelines.blocked:
            return
        world.timelines.authors.add(author)
        theirs = [one for one in world.tweets.tweets.values() if one.author_id == author]
        self._listed += [
            one.tweet_id
            for one in theirs
            # Below what was cut the list says nothing.
            if one.tweet_id > self._floor and one.tweet_id not in self._listed
        ]
        for one in theirs:
            self._owed.pop(root_id(one), None)
            self._promised.discard(root_id(one))

    def _recommend(self, numbers: tuple[int, ...] | range) -> None:
        originals = sorted(one.tweet_id for one in self._tweets() if one.retweet_of is None)
        self._popular = list(
            dict.fromkeys(originals[-1 - one % len(originals)] for one in numbers if originals)
        )
        self._world.popular.ids = self._popular

    def _tweets(self) -> Iterator[Tweet]:
        yield from self._world.tweets.tweets.values()
