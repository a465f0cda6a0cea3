"""All that went into one candidate's place, by name: plain values, to be shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.ids import id_time_ms
from core.types import Tweet, User
from features.formulas import row_of
from features.schema import INPUTS
from ranking.explain import Explained, Weighing


@dataclass(frozen=True, slots=True)
class Head:
    """One prediction, the weight that the objective gives it, and what that adds to the utility."""

    name: str
    probability: float
    weight: float

    @property
    def part(self) -> float:
        return self.probability * self.weight


@dataclass(frozen=True, slots=True)
class FeatureValue:
    """An input of the model; None is a missing value. `view` is whose row it is made of, "" for none, and
    `row_age_s` how long ago something last happened to that, None where there is no row."""

    name: str
    value: float | None
    view: str
    row_age_s: float | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tweet that may be shown. `author` is None where they have no profile; `by` retweeted it, if
    somebody did. `in_time` is its place in time order, None where it is not in that."""

    at: int
    tweet: Tweet
    author: User | None
    by: User | None
    source: str
    age_s: float
    in_time: int | None


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a candidate stands at `place` (from 0), of all that were ranked.

    `terms` are the parts of its score by name, from its utility to the score, in their order; `value` is
    the score times `diversity`, which is what the slate is ordered by. `above` are its author's that
    stand before it, and `plain_place` is where it would stand without diversity.
    """

    heads: list[Head]
    terms: dict[str, float]
    diversity: float
    value: float
    above: int
    place: int
    plain_place: int
    features: list[FeatureValue]


def candidate_at(explained: Explained, at: int) -> Candidate:
    """`at` is its index among the candidates."""
    candidates = explained.candidates
    item = candidates.items[at]
    assert item is not None  # what is gone was filtered
    root = item.root.tweet
    in_time = int(explained.in_time[at])
    return Candidate(
        at=at,
        tweet=root,
        author=explained.authors.get(root.author_id),
        by=None if item.tweet.retweet_of is None else explained.authors.get(item.tweet.author_id),
        source=candidates.sources[at],
        age_s=max(0.0, (explained.now_ms - id_time_ms(root.tweet_id)) / 1000),
        in_time=None if in_time < 0 else in_time,
    )


def reasons_at(explained: Explained, weighing: Weighing, at: int) -> Reasons:
    """`at` is its index among the candidates. Only of what was scored."""
    scored, weights = explained.scored, weighing.objective.weights
    assert scored is not None
    diversity = float(weighing.diverse.multipliers[at])
    return Reasons(
        heads=[
            Head(head, float(probability), weights[head].w if head in weights else 0.0)
            for head, probability in zip(scored.model.heads, scored.heads[at].tolist(), strict=True)
        ],
        terms={
            name: float(values[at])
            for name, values in zip(weighing.terms._fields, weighing.terms, strict=True)
        },
        diversity=diversity,
        value=float(weighing.terms.score[at]) * diversity,
        above=int(weighing.diverse.ranks[at]),
        place=int(weighing.places[at]),
        plain_place=int(weighing.diverse.places[at]),
        features=_features(explained, at),
    )


def _features(explained: Explained, at: int) -> list[FeatureValue]:
    scored = explained.scored
    assert scored is not None
    ages: dict[str, float | None] = {}
    for name, block in scored.blocks.items():
        # The rows of a request hold for all its candidates.
        row = at if len(block) > 1 else 0
        there = bool(block.present[row])
        ages[name] = max(0.0, explained.now_ms / 1000 - int(block.event_ts_s[row])) if there else None
    found = []
    for one, value in zip(INPUTS, scored.features[at].tolist(), strict=True):
        view = row_of(one.formula)
        age_s = None if view is None else ages[view]
        found.append(FeatureValue(one.name, None if math.isnan(value) else value, view or "", age_s))
    return found
