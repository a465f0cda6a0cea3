"""What a viewer does about a tweet that was looked at, and what it was worth to them: the truth.

Every chance is a logistic function of how close the tweet is to the viewer's interests, how they get on
with the author, the tweet's quality and bait, and how stale it is. The product sees what comes of it,
never the chances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.draws import Floats, normal, uniform
from simulation.people import Authors, Viewers
from simulation.tweets import MAIN_SHARE, Tweets

Ints = NDArray[np.int64]

LIKE_WORTH, HIDE_COST = 2.0, 5.0
_STALE_H = 6.0
_HOUR_MS = 3_600_000
_DWELL_MEDIAN_MS = 7_000
_LONGEST_DWELL_MS = 180_000


@dataclass(frozen=True, slots=True)
class Chances:
    """What n looks may lead to, float64 [n]; `dwell_ms` is the median time spent after a click."""

    click: Floats
    like: Floats
    hide: Floats
    reply: Floats
    retweet: Floats
    dwell_ms: Floats

    @property
    def utility(self) -> Floats:
        """What a look is worth: expected clicks, likes counted twice, less five for a hide. float64 [n]."""
        return self.click + LIKE_WORTH * self.like - HIDE_COST * self.hide


@dataclass(frozen=True, slots=True)
class Deeds:
    """What n looks led to, bool [n]; `dwell_ms` int64 [n] is what a click led to, 0 without one."""

    click: NDArray[np.bool_]
    like: NDArray[np.bool_]
    hide: NDArray[np.bool_]
    reply: NDArray[np.bool_]
    retweet: NDArray[np.bool_]
    dwell_ms: Ints


class Taste:
    """The utilities of one world. Pure functions of the seed."""

    def __init__(self, seed: int, viewers: Viewers, authors: Authors) -> None:
        self._seed = seed
        self._viewers = viewers
        self._authors = authors

    def chances(self, viewer: Ints, tweets: Tweets, at_ms: Ints) -> Chances:
        """Of viewers [n] who look at tweets [n] at UTC milliseconds [n]."""
        loves = self._viewers.interests
        liking = MAIN_SHARE * loves[viewer, tweets.topics]
        liking += (1.0 - MAIN_SHARE) * loves[viewer, tweets.seconds]
        # Some people one gets on with, whatever they write about.
        sympathy = normal(self._seed, "sympathy", viewer, tweets.authors)
        annoyance = self._authors.annoyance[tweets.authors]
        age_h = np.maximum(at_ms - tweets.at_ms, 0) / _HOUR_MS
        stale = np.log1p(age_h / _STALE_H)
        pull = 1.3 * liking + 0.8 * sympathy - 0.25 * stale
        click = _logistic(
            -2.2
            + pull
            + 0.5 * self._viewers.generosity[viewer]
            + 0.5 * tweets.quality
            + 0.35 * tweets.bait
            - 0.2 * annoyance
        )
        like = _logistic(-3.4 + pull + 0.8 * tweets.quality - 0.5 * tweets.bait - 0.3 * annoyance)
        hide = _logistic(-6.0 - 0.6 * liking - 0.5 * sympathy + 1.3 * annoyance + 0.4 * tweets.bait)
        return Chances(
            click=click,
            like=like,
            hide=hide,
            reply=0.10 * like,
            retweet=0.08 * like,
            dwell_ms=_DWELL_MEDIAN_MS * np.exp(0.4 * tweets.quality - 0.4 * tweets.bait + 0.2 * liking),
        )

    def deeds(self, viewer: Ints, tweets: Tweets, at_ms: Ints, session: Ints | int) -> Deeds:
        """What comes of it, by the look's own chance: the same for the same viewer, tweet and session."""
        chances = self.chances(viewer, tweets, at_ms)

        def happens(event: str, chance: Floats) -> NDArray[np.bool_]:
            return uniform(self._seed, event, viewer, tweets.keys, session) < chance

        click = happens("click", chances.click)
        spread = np.exp(0.8 * normal(self._seed, "dwell", viewer, tweets.keys, session))
        dwell_ms = np.minimum(chances.dwell_ms * spread, _LONGEST_DWELL_MS).astype(np.int64)
        hide = happens("hide", chances.hide)
        # Nobody likes, answers or repeats what they hide.
        return Deeds(
            click=click,
            like=happens("like", chances.like) & ~hide,
            hide=hide,
            reply=happens("reply", chances.reply) & ~hide,
            retweet=happens("retweet", chances.retweet) & ~hide,
            dwell_ms=np.where(click, dwell_ms, 0),
        )


def _logistic(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float64)
