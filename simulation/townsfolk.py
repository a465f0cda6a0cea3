"""The people of a town without a past: interests, topics, qualities, and who clicks what.

`simulation.world` has the world whose truth is measured; a town is for whoever needs some traffic at once.
The product never sees any of it. A click's probability is the sigmoid of a viewer's interest in a
tweet's topic and of the tweet's quality, times the chance that somebody looks that far down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOPICS = ("gardens", "rockets", "cooking", "chess", "jazz", "glaciers", "databases", "cycling")
_OPENERS = ("On", "More on", "A note on", "Thoughts about", "What I learnt about", "Three facts about")
_DETAILS = ("at dawn", "the slow way", "for beginners", "in the rain", "after ten years", "by the numbers")

INTEREST_WEIGHT = 1.8
QUALITY_WEIGHT = 0.5
OFFSET = -1.6
EXAMINATION_DECAY = 0.985


@dataclass(frozen=True, slots=True)
class TownOptions:
    viewers: int
    authors: int
    follows: int
    seed: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A tweet to be posted: its author's index, its topic's index, its latent quality, its text."""

    author: int
    topic: int
    quality: float
    text: str


class Townsfolk:
    """`interests` is float64 [n_viewers, n_topics]; `follows` lists each viewer's author indices."""

    def __init__(self, options: TownOptions) -> None:
        self._random = np.random.default_rng(options.seed)
        topics = len(TOPICS)
        self.options = options
        self.interests: NDArray[np.float64] = self._random.normal(0.0, 1.0, (options.viewers, topics))
        # Most authors write about one thing mostly, which is what makes an author worth knowing.
        self._topics_of_authors = self._random.dirichlet(np.full(topics, 0.25), options.authors)
        self.follows = [
            self._random.choice(options.authors, size=min(options.follows, options.authors), replace=False)
            for _ in range(options.viewers)
        ]

    def draft(self, author: int) -> Draft:
        topic = int(self._random.choice(len(TOPICS), p=self._topics_of_authors[author]))
        opener = _OPENERS[int(self._random.integers(len(_OPENERS)))]
        detail = _DETAILS[int(self._random.integers(len(_DETAILS)))]
        quality = float(self._random.normal())
        return Draft(author, topic, quality, f"{opener} {TOPICS[topic]} {detail}")

    def click_probability(self, viewer: int, draft: Draft) -> float:
        """The chance that this viewer clicks this tweet once it was looked at."""
        liking = INTEREST_WEIGHT * self.interests[viewer, draft.topic] + QUALITY_WEIGHT * draft.quality
        return float(1.0 / (1.0 + np.exp(-(liking + OFFSET))))

    def examined(self, position: int) -> bool:
        """Whether a viewer looks as far down as `position` (0 at the top)."""
        return bool(self._random.random() < EXAMINATION_DECAY**position)

    def clicks(self, viewer: int, draft: Draft) -> bool:
        return bool(self._random.random() < self.click_probability(viewer, draft))
