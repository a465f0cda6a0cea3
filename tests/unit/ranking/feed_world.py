"""A home feed of real parts on neighbours in memory, each of which can be taken away."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.deadline import Deadline
from core.errors import LeaseLost, Unavailable
from core.ids import TweetId, UserId
from core.timings import Timings
from core.types import Tweet, User
from eventlog.envelope import decode_envelope
from eventlog.schema import Scored, Served, decode_event
from features.reader import FeatureReader, Fetched
from features.row_block import RowBlock
from features.schema import FEATURES, VIEWS, ViewName
from ranking.best_order import BestOrder, QueueOptions
from ranking.breaker import BreakerOptions
from ranking.candidate import root_id
from ranking.filters import FILTERS, FIRST_FILTERS
from ranking.home_feed import HomeFeed, HomeFeedParts
from ranking.ladder import Ladder, LadderOptions
from ranking.model import RankingModel
from ranking.objective import ENGAGEMENT, Objective
from ranking.page_walk import PageWalk
from ranking.pipeline import PipelineOptions, RankingPipeline
from ranking.popular_source import PopularSource
from ranking.query import Algorithm, FeedPage, FeedPosition, FeedQuery
from ranking.scored_sample import ScoredSample
from ranking.scorers import ModelScorer
from ranking.scoring_threads import ScoringThreads
from ranking.side_effects import ScoredRecords, ServedRecords
from ranking.silent_failures import SilentFailures, SilentOptions
from ranking.sources import Sources
from ranking.stages import StageFailed
from stores.popular import Popular, PopularStore
from stores.ports import Counts, Ids
from stores.slates import SLATES, Slate, SlateStore
from stores.slates import Served as SlatesServed
from stores.tweet_cache import LiveTweet, TweetCache
from stores.user_cache import UserCache
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog
from timelines.healing import Healing
from timelines.layout import CAPACITY
from timelines.reader import Timeline, TimelineReader

VIEWER = UserId(7)
BREAKER = BreakerOptions(open_s=5.0)
REQUEST = uuid.UUID(bytes=bytes(range(16)))


class FakeTweets(TweetCache):
    """`cached` are the ids that are at hand while the store is away; a tweet has as many likes as its id.

    Of `hidden` ones there are bodies and no more. `only_cached` says that the store is away for others.
    `asked` are the ids of each call.
    """

    def __init__(self) -> None:
        self.tweets: dict[int, Tweet] = {}
        self.cached: set[int] = set()
        self.hidden: set[int] = set()
        self.only_cached = False
        self.away = False
        self.asked: list[list[int]] = []

    async def get_many(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        self.asked.append(list(tweet_ids))
        if self.away or (self.only_cached and not self.cached.issuperset(tweet_ids)):
            raise Unavailable("no tweets")
        return {tweet_id: self.tweets[tweet_id] for tweet_id in tweet_ids if tweet_id in self.tweets}

    async def at_hand(self, tweet_ids: Sequence[int]) -> Mapping[int, Tweet]:
        return {tweet_id: self.tweets[tweet_id] for tweet_id in tweet_ids if tweet_id in self.cached}

    async def get_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        return self._live(await self.get_many(tweet_ids))

    async def at_hand_live(self, tweet_ids: Sequence[int]) -> Mapping[int, LiveTweet]:
        return self._live(await self.at_hand(tweet_ids))

    def known_originals(self, tweet_ids: Iterable[int]) -> list[int]:
        """Of every other one."""
        known = [self.tweets[one].retweet_of for one in tweet_ids if one % 2 and one in self.tweets]
        return [one for one in known if one is not None]

    def _live(self, bodies: Mapping[int, Tweet]) -> dict[int, LiveTweet]:
        return {
            tweet_id: LiveTweet(tweet, Counts(likes=tweet_id))
            for tweet_id, tweet in bodies.items()
            if tweet_id not in self.hidden
        }


class FakeUsers(UserCache):
    def __init__(self) -> None:
        self.users: dict[int, User] = {}

    async def get_many(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        return {user_id: self.users[user_id] for user_id in user_ids if user_id in self.users}

    def fresh(self, user_ids: Iterable[int]) -> None:
        return None

    async def at_hand(self, user_ids: Sequence[int]) -> Mapping[int, User]:
        return await self.get_many(user_ids)


class FakeTimelines(TimelineReader):
    """`listed` are the ids of the list; the store has `tweets`, of whom `authors` may be shown."""

    def __init__(self, tweets: FakeTweets) -> None:
        self._all = tweets
        self.listed: list[int] | None = None
        self.authors: set[int] = {VIEWER}
        self.blocked: set[int] = set()
        self.muted: set[int] = set()
        self.away = False
        self.partial = False
        self.outdated = False
        self.patience: list[float | None] = []
        self.origin: Literal["list", "store"] = "list"
        self.fresh_reads = 0
        self.retweets_asked = 0

    async def read(
        self,
        viewer: UserId,
        *,
        fresh: bool = False,
        enough: int | None = None,
        patience_s: float | None = None,
    ) -> Timeline:
        self.fresh_reads += fresh
        self.patience.append(patience_s)
        if self.away:
            raise Unavailable("no timeline")
        ids = self._list()
        return Timeline(
            viewer,
            ids if enough is None else ids[:enough],
            np.array(sorted(self.authors), np.int64),
            np.array(sorted(self.blocked), np.int64),
            np.array(sorted(self.muted), np.int64),
            self.origin,
            self.partial,
            outdated=self.outdated,
            cut=enough is not None and len(ids) > enough,
        )

    async def rest(self, timeline: Timeline) -> Ids:
        ids = self._list()
        older: Ids = ids[ids < timeline.ids[-1]]
        return older

    def _list(self) -> Ids:
        ids = self._of(self.authors)[:CAPACITY] if self.listed is None else self.listed
        return np.array(sorted(ids, reverse=True), np.int64)

    async def older(self, timeline: Timeline, *, before: int | None, limit: int) -> Ids:
        if self._all.away:
            raise Unavailable("no store")
        ids = [one for one in self._of(set(timeline.authors.tolist())) if before is None or one < before]
        return np.array(ids[:limit], np.int64)

    async def retweets(
        self, timeline: Timeline, originals: Sequence[int], *, since: int
    ) -> Mapping[int, Ids]:
        self.retweets_asked += 1
        if self._all.away:
            raise Unavailable("no store")
        found: dict[int, list[int]] = {}
        for one in self._all.tweets.values():
            original = one.retweet_of
            if original in originals and one.tweet_id >= since and one.author_id in timeline.authors:
                found.setdefault(root_id(one), []).append(one.tweet_id)
        return {original: np.array(ids, np.int64) for original, ids in found.items()}

    def _of(self, authors: set[int]) -> list[int]:
        return sorted(
            (one.tweet_id for one in self._all.tweets.values() if one.author_id in authors), reverse=True
        )


class FakeSlates(SlateStore):
    """Slates as bytes, so that what comes back went through the wire format."""

    def __init__(self) -> None:
        self.slates: dict[str, bytes] = {}
        self.seen: list[int] = []
        self.recommended: set[int] = set()
        self.away = False

    async def put(self, viewer: UserId, slate: Slate) -> None:
        self._answer()
        self.slates[slate.slate_id] = SLATES.encode(slate)

    async def get(self, viewer: UserId, slate_id: str) -> Slate | None:
        self._answer()
        return SLATES.decode(self.slates.get(slate_id))

    async def newest(self, viewer: UserId) -> Slate | None:
        self._answer()
        return SLATES.decode(next(reversed(self.slates.values()), None))

    async def served(self, viewer: UserId) -> SlatesServed:
        self._answer()
        return SlatesServed(frozenset(self.seen), frozenset(self.recommended))

    async def remember_served(
        self, viewer: UserId, tweet_ids: Sequence[int], recommended: Set[int] = frozenset()
    ) -> None:
        if not self.away:
            self.seen += tweet_ids
            self.recommended |= recommended

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("no slates")


class FakeFeatures(FeatureReader):
    """Rows that are all there and all zero; `flushed` has none at all. The viewer has looked at `seen`."""

    def __init__(self) -> None:
        self.away = False
        self.flushed = False
        self.slow = False
        self.seen: list[int] = []
        self.asked: list[tuple[list[int], list[int]]] = []

    async def fetch(
        self, viewer: int, tweet_ids: NDArray[np.int64], author_ids: NDArray[np.int64]
    ) -> Fetched:
        if self.away:
            raise Unavailable("no features")
        if self.slow:
            await asyncio.Event().wait()
        self.asked.append((tweet_ids.tolist(), author_ids.tolist()))
        n = len(tweet_ids)
        blocks: dict[ViewName, RowBlock] = {
            name: RowBlock.missing(view, 1 if name in ("g", "u") else n) for name, view in VIEWS.items()
        }
        if not self.flushed:
            for name, block in blocks.items():
                for row in range(len(block.present)):
                    zeros = [0.0] * VIEWS[name].width
                    block.put(
                        row, schema_id=VIEWS[name].schema_id, event_ts_s=1_700_000_000, seq=3, values=zeros
                    )
        return Fetched(blocks, np.array(self.seen, np.int64))


class FakePopular(PopularStore):
    """`ids` are popular, best first."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.away = False
        self.slow = False
        self.wrong: Exception | None = None
        self.asked = 0

    async def get(self) -> Popular | None:
        self.asked += 1
        if self.wrong is not None:
            raise self.wrong
        if self.away:
            raise Unavailable("no popular tweets")
        if self.slow:
            await asyncio.Event().wait()
        if not self.ids:
            return None
        return Popular(1, np.array(self.ids, "<i8").tobytes(), np.zeros(len(self.ids), "<f4").tobytes())


class FakeModel(RankingModel):
    """Scores by a function of the place among the candidates: float32 [n, n_heads]."""

    def __init__(self, score: Callable[[int], NDArray[np.float32]]) -> None:
        self.label = "home@1"
        self.heads = ("click",)
        self._score = score

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        assert features.shape[1] == len(FEATURES)
        return self._score(len(features))


def oldest_best(n: int) -> NDArray[np.float32]:
    """The model's taste is the opposite of time."""
    return np.linspace(0.0, 1.0, n, dtype=np.float32).reshape(-1, 1)


class FeedWorld:
    """One viewer's feed; `model` None is a process without one."""

    def __init__(
        self, executor: ThreadPoolExecutor, *, candidates: int = 8, popular_share: float = 0.5
    ) -> None:
        self.clock = FakeClock()
        self.log = FakeLog(asyncio.Event())
        self.tweets = FakeTweets()
        self.users = FakeUsers()
        self.timelines = FakeTimelines(self.tweets)
        self.slates = FakeSlates()
        self.features = FakeFeatures()
        self.model: RankingModel | None = FakeModel(oldest_best)
        self.lease_lost = False
        self.records = ServedRecords(self.log)
        self.matrices = ScoredRecords(self.log)
        self.scored_share = 0.0
        self.executor = executor
        self._candidates = candidates
        self._popular_share = popular_share
        self.popular = FakePopular()
        self.use(ENGAGEMENT)

    def use(self, objective: Objective) -> None:
        self.ladder = Ladder(self.clock, LadderOptions(self._candidates, fewest=2, breaker=BREAKER))
        silent = SilentFailures(SilentOptions())
        scorer = ModelScorer(
            self.features,
            lambda: self.model,
            lambda: objective,
            ScoringThreads(self.executor, 1),
            self.ladder,
            silent,
        )
        walk = PageWalk(self.tweets, self.users, self.timelines, FILTERS)
        sources = Sources([PopularSource(self.popular, self.clock)], self._popular_share)
        options = PipelineOptions(self._candidates)
        pipeline = RankingPipeline(self.tweets, sources, FIRST_FILTERS, scorer, options)
        self.pipeline = pipeline
        order = BestOrder(pipeline, self.ladder, self.slates, QueueOptions())
        self.walk = walk
        self.feed = HomeFeed(
            HomeFeedParts(
                self.timelines,
                Healing(self.timelines),
                walk,
                order,
                self.slates,
                self.records,
                ScoredSample(self.matrices, self.scored_share),
                self._mint,
            )
        )

    def open_breaker(self) -> None:
        for _ in range(BREAKER.least):
            with contextlib.suppress(StageFailed), self.ladder.trial():
                raise StageFailed("features", "features_slow")

    def post(self, author: int, *tweet_ids: int, followed: bool = True, profile: bool = True) -> None:
        for one in tweet_ids:
            self.tweets.tweets[one] = Tweet(TweetId(one), UserId(author), f"tweet {one}", 1_000)
        if profile:
            self.users.users[author] = User(UserId(author), f"a{author}", f"Author {author}", 1_000)
        if followed:
            self.timelines.authors.add(author)

    def retweet(self, author: int, tweet_id: int, original: int, *, followed: bool = True) -> None:
        self.post(author, tweet_id, followed=followed)
        self.tweets.tweets[tweet_id] = Tweet(
            TweetId(tweet_id), UserId(author), "", 1_000, retweet_of=TweetId(original)
        )

    def query(
        self, algorithm: Algorithm = "ranked", *, limit: int = 3, position: FeedPosition | None = None
    ) -> FeedQuery:
        return FeedQuery(
            VIEWER,
            limit,
            algorithm,
            position,
            REQUEST,
            self.clock.now_ms(),
            Deadline.after_ms(1_500, self.clock),
            Timings(self.clock),
        )

    async def page(
        self, algorithm: Algorithm = "ranked", *, limit: int = 3, position: FeedPosition | None = None
    ) -> FeedPage:
        page = await self.feed.page(self.query(algorithm, limit=limit, position=position))
        await self.feed.remember(VIEWER, page)
        return page

    async def scroll(
        self,
        algorithm: Algorithm = "ranked",
        *,
        limit: int = 3,
        between: Callable[[int], Awaitable[None]] | None = None,
    ) -> list[FeedPage]:
        """Page by page to the end; `between` is called before each page with its number, from 1 on."""
        pages = [await self.page(algorithm, limit=limit)]
        while (following := pages[-1].next_position) is not None:
            assert len(pages[-1].items) == limit, "only the last page may be short"
            assert len(pages) < 100, "the scroll does not end"
            if between is not None:
                await between(len(pages))
            pages.append(await self.page(algorithm, limit=limit, position=following))
        return pages

    async def served(self) -> list[Served]:
        await self.records.flush()
        events = [decode_event(decode_envelope(record.value)) for record in self.log.appended]
        return [event for event in events if isinstance(event, Served)]

    async def scored(self) -> list[Scored]:
        await self.matrices.flush()
        events = [decode_event(decode_envelope(record.value)) for record in self.log.appended]
        return [event for event in events if isinstance(event, Scored)]

    def _mint(self) -> int:
        if self.lease_lost:
            raise LeaseLost("no number")
        return 1


def shown(pages: Sequence[FeedPage] | FeedPage) -> list[int]:
    """The tweet ids of pages, in the order in which they were shown."""
    pages = [pages] if isinstance(pages, FeedPage) else pages
    return [item.tweet.tweet_id for page in pages for item in page.items]
