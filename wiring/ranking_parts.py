"""What ranks a home feed, put together once for whoever ranks: the API, and the console that explains it."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from core.clock import Clock
from features.reader import FeatureReader
from ranking.breaker import BreakerOptions
from ranking.filters import FIRST_FILTERS
from ranking.ladder import Ladder, LadderOptions
from ranking.model import RankingModel
from ranking.objective import Objective
from ranking.pipeline import PipelineOptions, RankingPipeline
from ranking.popular_source import PopularSource
from ranking.quality import QualityOptions
from ranking.scorers import ModelScorer
from ranking.scoring_threads import ScoringThreads
from ranking.silent_failures import SilentFailures, SilentOptions
from ranking.sources import Sources
from stores.popular import PopularStore
from stores.redis_client import RedisClient
from stores.tweet_cache import TweetCache
from stores.user_cache import UserCache
from timelines.fan_in import FanIn
from timelines.merge import TimelineMerge
from timelines.reader import TimelineReader
from timelines.relations import Relations
from wiring.resources import Stores
from wiring.settings import RankingSettings, Settings


@dataclass(frozen=True, slots=True)
class RankingParts:
    relations: Relations
    tweets: TweetCache
    users: UserCache
    timelines: TimelineReader
    ladder: Ladder
    pipeline: RankingPipeline


def make_ranking(
    settings: Settings,
    stores: Stores,
    redis: RedisClient,
    clock: Clock,
    current_model: Callable[[], RankingModel | None],
    current_objective: Callable[[], Objective],
    executor: Executor,
    randomness: random.Random,
) -> RankingParts:
    relations = Relations(redis, stores.graph)
    tweets = TweetCache(redis, stores.tweets, stores.engagements, clock, randomness)
    fan_in = FanIn(stores.tweets, settings.api.fan_in)
    timelines = TimelineReader(redis, relations, TimelineMerge(redis, fan_in), stores.graph, fan_in)
    ladder = Ladder(clock, _ladder_options(settings.ranking))
    silent = SilentFailures(SilentOptions(settings.ranking.least_hit_rate, settings.ranking.most_behind_s))
    threads = ScoringThreads(executor, settings.ranking.threads)
    scorer = ModelScorer(FeatureReader(redis), current_model, current_objective, threads, ladder, silent)
    sources = Sources([PopularSource(PopularStore(redis), clock)], settings.ranking.popular_share)
    options = PipelineOptions(candidates=settings.ranking.candidates)
    return RankingParts(
        relations=relations,
        tweets=tweets,
        users=UserCache(stores.users, clock),
        timelines=timelines,
        ladder=ladder,
        pipeline=RankingPipeline(tweets, sources, FIRST_FILTERS, scorer, options),
    )


def _ladder_options(settings: RankingSettings) -> LadderOptions:
    return LadderOptions(
        settings.candidates,
        settings.fewest,
        BreakerOptions(slow_ms=settings.slow_ms, open_s=settings.open_s),
        QualityOptions(target_ms=settings.target_ms),
    )
