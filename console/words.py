"""Words that pages share: what views are of; why a feed is not ranked, by `meta.reason`, and what to do."""

from __future__ import annotations

from typing import NamedTuple

from console.vitals import Seen
from ranking.ladder import RUNGS


class Words(NamedTuple):
    what: str
    todo: str


VIEWS = {"u": "viewer", "a": "author", "t": "tweet", "va": "viewer and author", "g": "everything"}
"""What a row of features is of, by the name of its view."""

_AGAIN = (
    "Reload this page in a moment. If it stays so, Health says what is slow, and docs/degradation.md why."
)
_PIPELINES = (
    "Health says how far the pipelines process is behind; its log is logs/pipelines.log in RANKFEED_HOME."
)

_WORDS: dict[str, Words] = {
    "no_model": Words(
        "No model serves yet, so every feed is in time order.",
        "Train one and promote it: rankfeed train --promote. Or promote one that is there, at Models.",
    ),
    "model_refused": Words(
        "The champion cannot be loaded, so nothing can be scored.",
        "Models says why: promote another one, or roll back.",
    ),
    "objective_misfit": Words(
        "The objective weighs a head that the model does not have.",
        "Set another: rankfeed objective set --preset engagement --reason … Or promote a model that has it.",
    ),
    "no_candidates": Words(
        "There is nothing to show: nobody whom this viewer follows has posted, and nothing is popular.",
        "Pick another viewer.",
    ),
    "cache_away": Words(
        "Redis is away: feeds are made from the store, in time order.",
        "Start it again, or look at RANKFEED_REDIS_URL; feeds are ranked as soon as it is back.",
    ),
    "hydrate_unavailable": Words("The tweets cannot be read: Redis and the store are away.", _AGAIN),
    "hydrate_slow": Words("Reading the tweets took too long.", _AGAIN),
    "features_missing": Words(
        "Redis was emptied or nothing was ever seen: the features are not there (yet).",
        f"They come back by themselves. {_PIPELINES}",
    ),
    "features_unavailable": Words("The features cannot be read: Redis is away.", _AGAIN),
    "features_slow": Words("The features took too long.", _AGAIN),
    "features_thin": Words("Too many features that ought to be there are missing.", _PIPELINES),
    "features_behind": Words("The features are too far behind what was posted.", _PIPELINES),
    "model_slow": Words("The model took too long.", _AGAIN),
    "model_failed": Words(
        "The model failed on these candidates.", "Roll back at Models, and train it again: rankfeed train."
    ),
    "scores_not_finite": Words(
        "The model's scores are no numbers.", "Roll back at Models, and train it again: rankfeed train."
    ),
    "scores_constant": Words(
        "The model says the same of all candidates.",
        "Roll back at Models, and train it again: rankfeed train.",
    ),
    "ranking_slow": Words("Ranking took too long, again and again.", _AGAIN),
}


def why_not_ranked(reason: str) -> Words:
    known = _WORDS.get(reason)
    if known is not None:
        return known
    return Words(f"Nothing could be ranked ({reason}).", _AGAIN)


def lower_rungs(seen: Seen) -> Words | None:
    """That processes which serve have no time for all of a ranked feed just now; None where all have."""
    rungs = [one.rung for one in seen.processes if one.rung is not None]
    lower = [rung for rung in rungs if rung != RUNGS[0]]
    if not lower:
        return None
    lowest = max(lower, key=RUNGS.index)
    return Words(
        f"{len(lower)} of {len(rungs)} serving processes rank less than this just now: rung '{lowest}'.",
        "What stands below is what they would rank. Health says why, docs/degradation.md what a rung is.",
    )
