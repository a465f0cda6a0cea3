"""Viewers and authors: what they love, and what they are like. None of it is ever told to the product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.draws import Floats, normal, pareto, uniform
from simulation.topics import TOPICS

SESSIONS_A_DAY = 1.5
LOOKS_A_SESSION = 14.0
TWEETS_A_DAY = 4.0
MOST_TWEETS_A_DAY = 40.0
"""Whoever writes more is a machine, which is another world."""
_EVENING_H, _MORNING_H = 19.5, 8.0
_MORNING_PEOPLE = 0.35
_FOCUS = 2.8
_ACTIVITY_TAIL, _FAME_TAIL = 1.7, 1.1


@dataclass(frozen=True, slots=True)
class Viewers:
    """n viewers: `interests` float64 [n, topics], standard normal; the others float64 [n].

    `generosity` moves all clicks of a viewer, in logits; `sessions` is how many a day, `looks` how many
    items in the mean session, `peak` the hour (UTC) around which most sessions are.
    """

    interests: Floats
    generosity: Floats
    sessions: Floats
    looks: Floats
    peak: Floats

    def __len__(self) -> int:
        return len(self.generosity)


@dataclass(frozen=True, slots=True)
class Authors:
    """n authors: `mixes` float64 [n, topics], rows sum to 1; the others float64 [n].

    `talent` is in the quality of all they write; `annoyance` makes viewers hide it; `tweets` is how many
    a day; `fame` (from 1, heavy-tailed) how likely people are to come upon them.
    """

    mixes: Floats
    talent: Floats
    annoyance: Floats
    tweets: Floats
    fame: Floats
    peak: Floats

    def __len__(self) -> int:
        return len(self.talent)


def make_viewers(seed: int, n: int) -> Viewers:
    who = np.arange(n)
    # Log-normal with a mean of 1: a few come hourly, many once in two days.
    eager = np.exp(0.6 * normal(seed, "eager", who) - 0.18)
    patient = np.exp(0.35 * normal(seed, "patient", who) - 0.06)
    return Viewers(
        interests=normal(seed, "interest", who[:, None], np.arange(len(TOPICS))[None, :]),
        generosity=normal(seed, "generosity", who),
        sessions=np.minimum(SESSIONS_A_DAY * eager, 16.0),
        looks=LOOKS_A_SESSION * patient,
        peak=_peaks(seed, "viewer's peak", n),
    )


def make_authors(seed: int, n: int) -> Authors:
    who = np.arange(n)
    # Most authors write about one or two things, which is what makes an author worth knowing.
    drive = np.exp(_FOCUS * normal(seed, "focus", who[:, None], np.arange(len(TOPICS))[None, :]))
    # A Pareto variable's mean is shape / (shape - 1).
    busy = pareto(seed, "busy", _ACTIVITY_TAIL, who) * (_ACTIVITY_TAIL - 1.0) / _ACTIVITY_TAIL
    return Authors(
        mixes=drive / drive.sum(axis=1, keepdims=True),
        talent=normal(seed, "talent", who),
        annoyance=normal(seed, "annoyance", who),
        tweets=np.minimum(TWEETS_A_DAY * busy, MOST_TWEETS_A_DAY),
        fame=pareto(seed, "fame", _FAME_TAIL, who),
        peak=_peaks(seed, "author's peak", n),
    )


def _peaks(seed: int, event: str, n: int) -> Floats:
    """Hours of the day, UTC: the evening for most, the morning for some, wherever they live."""
    who = np.arange(n)
    centre = np.where(uniform(seed, f"{event}: morning", who) < _MORNING_PEOPLE, _MORNING_H, _EVENING_H)
    return np.asarray((centre + 1.5 * normal(seed, event, who)) % 24.0, np.float64)
