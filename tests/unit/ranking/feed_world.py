"""A home feed of real parts on neighbours in memory."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from core.deadline import Deadline
from core.errors import LeaseLost
from core.ids import TweetId, UserId
from core.timings import Timings
from core.types import Tweet, User
from eventlog.envelope import decode_envelope
from eventlog.schema import Scored, Served, decode_event
from ranking.best_order import BestOrder, QueueOptions
from ranking.breaker import BreakerOptions
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
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog
from tests.unit.ranking.fake_ranking import FakeFeatures, FakeModel, FakePopular, FakeSlates, oldest_best
from tests.unit.ranking.fake_reading import FakeTimelines, FakeTweets, FakeUsers
from timelines.healing import Healing

VIEWER = UserId(7)
BREAKER = BreakerOptions(open_s=5.0)
REQUEST = uuid.UUID(bytes=bytes(range(16)))

TWENTY = range(101, 121)
"""More than the eight candidates of this world: twelve follow in time order."""
NEWEST_FIRST = list(reversed(TWENTY))
BY_MODEL = [*range(113, 121), *range(112, 100, -1)]
"""The eight newest as the model likes them, then the rest in time order."""


class _Unhurried(Deadline, frozen=True):
    """Everything may take ten times as long: a busy machine is no slow neighbour."""

    def remaining_s(self, at_most_ms: float | None = None) -> float:
        return 10.0 * super().remaining_s(at_most_ms)


class FeedWorld:
    """One viewer's feed; `model` None is a process without one."""

    def __init__(
        self, executor: ThreadPoolExecutor, *, candidates: int = 8, popular_share: float = 0.5
    ) -> None:
        self.clock = FakeClock()
        self.log = FakeLog(asyncio.Event())
        self.tweets = FakeTweets()
        self.users = FakeUsers()
        self.timelines = FakeTimelines(self.tweets, VIEWER)
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
        self.healing = Healing(self.timelines)
        self.feed = HomeFeed(
            HomeFeedParts(
                self.timelines,
                self.healing,
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
            _Unhurried.after_ms(1_500, self.clock),
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
