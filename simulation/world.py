"""A world whose truth is known: its people, who follows whom, and what they like.

The same seed makes the same world, of any size that is asked for. The product never sees it; the report
of a demo does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigurationError
from simulation.follows import Follows, make_follows
from simulation.people import Authors, Viewers, make_authors, make_viewers
from simulation.taste import Taste

FEWEST_USERS, MOST_USERS = 30, 100_000
_USERS_AN_AUTHOR = 10


@dataclass(frozen=True, slots=True)
class World:
    """`followers` of each author, int64 [n_authors], is the graph seen from the other side."""

    seed: int
    viewers: Viewers
    authors: Authors
    follows: Follows
    taste: Taste

    @property
    def followers(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.bincount(self.follows.authors, minlength=len(self.authors)).astype(np.int64)


def make_world(users: int, seed: int) -> World:
    """A tenth of the users write, the others read. Raises ConfigurationError for a size out of bounds."""
    if not FEWEST_USERS <= users <= MOST_USERS:
        raise ConfigurationError(f"a world has {FEWEST_USERS} to {MOST_USERS:,} users, not {users:,}")
    writing = users // _USERS_AN_AUTHOR
    viewers, authors = make_viewers(seed, users - writing), make_authors(seed, writing)
    return World(seed, viewers, authors, make_follows(seed, viewers, authors), Taste(seed, viewers, authors))


def viewer_name(viewer: int) -> str:
    """A viewer's id in the interchange format, and handle."""
    return f"viewer_{viewer}"


def author_name(author: int) -> str:
    return f"author_{author}"
