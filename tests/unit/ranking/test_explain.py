"""What is explained is what would be served: the same order, by the same numbers, and nothing is recorded."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from core.errors import ConfigurationError, NotFound, Unavailable
from core.ids import UserId
from core.types import User
from features.schema import FEATURES, VIEWS
from ranking.explain import Explained, Explainer
from ranking.objective import Diversity, FreshnessDecay, Objective, Terms, Weight
from ranking.presets import SATISFACTION
from ranking.reasons import candidate_at, reasons_at
from stores.slates import Slate
from tests.unit.ranking.fake_ranking import FakeModel
from tests.unit.ranking.feed_world import VIEWER, FeedWorld

HEADS = ("click", "like", "hide")
LIKES = replace(
    SATISFACTION,
    name="likes",
    weights={"like": Weight(4.0), "click": Weight(0.5)},
    diversity=Diversity(decay=0.5, floor=0.1),
)
CLICKS = Objective(
    1,
    "clicks",
    9,
    "ann",
    "why not",
    {"click": Weight(1.0), "hide": Weight(-3.0, min=-10.0, max=0.0)},
    freshness=FreshnessDecay(half_life_s=3_600.0),
    diversity=Diversity(decay=0.9, floor=0.5),
    source_factor={"popular": 0.5},
)


def three_heads(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(n).random((n, 3), np.float32)


class ManyHeads(FakeModel):
    def __init__(self) -> None:
        super().__init__(three_heads)
        self.heads = HEADS


def a_world(world: FeedWorld, objective: Objective) -> Explainer:
    """Two authors who are followed, one whose retweet is in the list, and strangers who are popular."""
    world.use(objective)
    world.model = ManyHeads()
    for author, ids in ((21, (101, 104, 105, 106)), (22, (102, 103))):
        world.post(author, *ids)
    world.post(31, 90, 91, followed=False)
    world.post(32, 80, followed=False)
    world.retweet(22, 107, 80)
    world.popular.ids = [90, 91]
    world.users.users[VIEWER] = User(VIEWER, "vera", "Vera", 0)
    return explainer(world)


def explainer(world: FeedWorld) -> Explainer:
    return Explainer(world.timelines, world.pipeline, world.users, world.clock, 8)


async def pinned(world: FeedWorld) -> Slate:
    await world.page()
    slate = await world.slates.newest(VIEWER)
    assert slate is not None
    assert slate.scores
    return slate


def order(explained: Explained) -> list[int]:
    assert explained.weighing is not None
    ordered: list[int] = explained.candidates.ids[explained.weighing.diverse.order].tolist()
    return ordered


@pytest.mark.parametrize("objective", [LIKES, CLICKS], ids=lambda one: one.name)
async def test_the_explained_order_is_the_pinned_one(objective: Objective, world: FeedWorld) -> None:
    explained = await a_world(world, objective).explain(VIEWER)
    assert (world.slates.slates, await world.served()) == ({}, [])
    slate = await pinned(world)
    assert order(explained) == np.frombuffer(slate.ids, "<i8").tolist()
    scored, weighing = explained.scored, explained.weighing
    assert scored is not None
    assert weighing is not None
    places = weighing.diverse.order
    assert scored.heads[places].astype("<f4").tobytes() == slate.heads
    assert weighing.terms.score[places].astype("<f8").tobytes() == slate.scores
    assert scored.features[places].astype("<f4").tobytes() == slate.features
    before = np.stack([weighing.diverse.places, weighing.diverse.ranks], axis=1)[places]
    assert before.astype("<i4").tobytes() == slate.places
    assert [explained.candidates.sources[at] for at in places.tolist()] == slate.sources


async def test_the_same_objective_again_changes_nothing(world: FeedWorld) -> None:
    explained = await a_world(world, CLICKS).explain(VIEWER)
    weighing = explained.weighing
    assert weighing is not None
    again = explained.under(CLICKS)
    for one, other in zip([*weighing.terms, *weighing.diverse], [*again.terms, *again.diverse], strict=True):
        assert one.tobytes() == other.tobytes()
    assert again.places.tolist() == weighing.places.tolist()


@pytest.mark.parametrize(("first", "second"), [(LIKES, CLICKS), (CLICKS, LIKES)])
async def test_another_objective_gives_the_order_that_it_would_be_served_in(
    first: Objective, second: Objective, world: FeedWorld
) -> None:
    explained = await a_world(world, first).explain(VIEWER)
    world.timelines.away = world.tweets.away = world.features.away = True
    again = explained.under(second)
    world.timelines.away = world.tweets.away = world.features.away = False
    world.use(second)
    slate = await pinned(world)
    ids = explained.candidates.ids
    assert ids[again.diverse.order].tolist() == np.frombuffer(slate.ids, "<i8").tolist()
    assert ids[again.diverse.order].tolist() != order(explained)
    assert again.terms.score[again.diverse.order].astype("<f8").tobytes() == slate.scores


async def test_an_objective_that_does_not_fit_the_model_is_refused(world: FeedWorld) -> None:
    explained = await a_world(world, LIKES).explain(VIEWER)
    with pytest.raises(ConfigurationError, match="'dwell'"):
        explained.under(replace(LIKES, weights={"dwell": Weight(1.0)}))


async def test_reasons_add_up(world: FeedWorld) -> None:
    explained = await a_world(world, CLICKS).explain(VIEWER)
    weighing = explained.weighing
    assert weighing is not None
    n = len(explained.candidates)
    found = [reasons_at(explained, weighing, at) for at in range(n)]
    assert sorted(one.place for one in found) == list(range(n))
    for at, one in enumerate(found):
        assert [head.name for head in one.heads] == list(HEADS)
        assert [head.weight for head in one.heads] == [1.0, 0.0, -3.0]
        assert sum(head.part for head in one.heads) == pytest.approx(one.terms["utility"])
        assert tuple(one.terms) == Terms._fields
        multipliers = np.prod([v for name, v in one.terms.items() if name not in ("utility", "score")])
        assert one.terms["utility"] * multipliers == pytest.approx(one.terms["score"])
        assert one.value == pytest.approx(one.terms["score"] * one.diversity)
        assert one.plain_place == int(weighing.diverse.places[at])
        assert [value.name for value in one.features] == list(FEATURES)
        rows = {value.view for value in one.features}
        assert rows == {"", *VIEWS} - {"g"}
        age_s = world.clock.now_ms() / 1000 - 1_700_000_000
        assert {value.row_age_s for value in one.features if value.view} == {max(0.0, age_s)}
        assert {value.row_age_s for value in one.features if not value.view} == {None}
    by_place = sorted(found, key=lambda one: one.place)
    assert [one.value for one in by_place] == sorted((one.value for one in found), reverse=True)
    authors = [explained.candidates.root_authors[weighing.diverse.order[place]] for place in range(n)]
    assert [one.above for one in by_place] == [authors[:place].count(a) for place, a in enumerate(authors)]


async def test_candidates_say_whose_they_are_and_where_they_stand_in_time(world: FeedWorld) -> None:
    explained = await a_world(world, LIKES).explain(VIEWER)
    shown = [candidate_at(explained, at) for at in range(len(explained.candidates))]
    assert [one.tweet.tweet_id for one in shown] == [80, 106, 105, 104, 103, 102, 90, 91]
    assert [one.in_time for one in shown] == [0, 1, 2, 3, 4, 5, None, None]
    assert [one.source for one in shown] == ["timeline"] * 6 + ["popular"] * 2
    authors = [one.author.handle for one in shown if one.author is not None]
    assert authors == ["a32", "a21", "a21", "a21", "a22", "a22", "a31", "a31"]
    assert [one.by.handle if one.by is not None else None for one in shown[:2]] == ["a22", None]


async def test_an_author_without_a_profile_is_nobody(world: FeedWorld) -> None:
    made = a_world(world, LIKES)
    del world.users.users[31]
    explained = await made.explain(VIEWER)
    assert candidate_at(explained, 6).author is None


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (lambda world: setattr(world, "model", None), "no_model"),
        (lambda world: setattr(world.features, "away", True), "features_unavailable"),
        (lambda world: setattr(world.features, "flushed", True), "features_missing"),
        (lambda world: setattr(world, "model", FakeModel(three_heads)), "objective_misfit"),
        (lambda world: world.open_breaker(), "features_slow"),
        (lambda world: setattr(world.timelines, "origin", "store"), "cache_away"),
        (lambda world: (world.tweets.tweets.clear(), world.popular.ids.clear()), "no_candidates"),
    ],
)
async def test_what_keeps_it_from_being_ranked_is_said(lose: object, reason: str, world: FeedWorld) -> None:
    made = a_world(world, LIKES)
    assert callable(lose)
    lose(world)
    explained = await made.explain(VIEWER)
    assert (explained.reason, explained.scored, explained.weighing) == (reason, None, None)
    if reason != "no_candidates":
        # The feed in time order is there all the same.
        assert explained.in_time.tolist()[:6] == [0, 1, 2, 3, 4, 5]


async def test_who_follows_nobody_has_what_is_popular(world: FeedWorld) -> None:
    world.use(LIKES)
    world.model = ManyHeads()
    world.post(31, 90, 91, followed=False)
    world.popular.ids = [91, 90]
    world.users.users[VIEWER] = User(VIEWER, "vera", "Vera", 0)
    explained = await explainer(world).explain(VIEWER)
    assert explained.alone
    assert explained.in_time.tolist() == [-1, -1]
    assert sorted(order(explained)) == [90, 91]


async def test_nobody_and_nothing_to_read_are_errors(world: FeedWorld) -> None:
    made = a_world(world, LIKES)
    with pytest.raises(NotFound, match="there is no user 999"):
        await made.explain(UserId(999))
    world.timelines.away = True
    with pytest.raises(Unavailable):
        await made.explain(VIEWER)
