"""A stretch of the past of a world: who came when, was shown what, and looked at what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.draws import uniform
from simulation.follows import followed_ms
from simulation.habits import HOUR_MS, MOST_LOOKS, looks, noticed, sessions
from simulation.tweets import Tweets, written_tweets
from simulation.world import World

Ints = NDArray[np.int64]

SHUFFLED = 0.15
"""The share of sessions that were shown the newest 200 in a random order. Without them nothing would tell
a tweet's age from its place: in time order the one is the other."""
SHUFFLED_FROM = 200
_LOOK_MS = 2_500
_VIEWERS_A_BLOCK = 200
_NOTHING = -1


@dataclass(frozen=True, slots=True)
class Looks:
    """What some viewers looked at: int64 [n] each, by viewer and time.

    `tweets` are rows of the past's tweets, `sessions` the hours in which the viewers came, `positions` count
    from 0 at the top, `at_ms` is UTC.
    """

    viewers: Ints
    tweets: Ints
    sessions: Ints
    positions: Ints
    at_ms: Ints

    def __len__(self) -> int:
        return len(self.viewers)


_NO_LOOKS = Looks(*[np.empty(0, np.int64)] * 5)


class Past:
    """from_ms <= t < until_ms of a world, UTC milliseconds.

    Viewers see what their followees wrote, newest first but for `SHUFFLED` of the sessions, look from the
    top as far as they like, and do not look again at what they have looked at.
    """

    def __init__(self, world: World, from_ms: int, until_ms: int) -> None:
        self.world = world
        self.from_ms = from_ms
        self.until_ms = until_ms
        self.tweets: Tweets = written_tweets(world.seed, world.authors, from_ms, until_ms)
        self.followed_ms = followed_ms(world.seed, world.follows, from_ms, until_ms)
        by_author = np.argsort(self.tweets.authors, kind="stable")
        self._by_author = by_author
        self._starts = np.searchsorted(self.tweets.authors[by_author], np.arange(len(world.authors) + 1))

    def looks(self) -> Iterator[Looks]:
        """Blocks of viewers, in their order; together all that anybody looked at."""
        n = len(self.world.viewers)
        for first in range(0, n, _VIEWERS_A_BLOCK):
            who = np.arange(first, min(first + _VIEWERS_A_BLOCK, n))
            viewer, at_ms = sessions(self.world.seed, self.world.viewers, who, self.from_ms, self.until_ms)
            begins = np.searchsorted(viewer, np.append(who, who[-1] + 1))
            yield _joined(
                [
                    self._looks_of(int(one), at_ms[begin:end])
                    for one, begin, end in zip(who, begins[:-1], begins[1:], strict=True)
                ]
            )

    def _looks_of(self, viewer: int, at_ms: Ints) -> Looks:
        """Of one viewer, whose sessions [s] begin at `at_ms`."""
        world = self.world
        follow = slice(*world.follows.starts[viewer : viewer + 2].tolist())
        followees, since_ms = world.follows.authors[follow], self.followed_ms[follow]
        parts = [self._by_author[self._starts[one] : self._starts[one + 1]] for one in followees.tolist()]
        pool = np.sort(np.concatenate([*parts, np.empty(0, np.int64)]))
        session = at_ms // HOUR_MS
        if not pool.size:
            return _NO_LOOKS
        shown = _newest(self.tweets.at_ms[pool], at_ms, SHUFFLED_FROM)
        tweet = np.where(shown == _NOTHING, _NOTHING, np.append(pool, 0)[shown])
        # Whoever was not followed yet is not in the feed.
        place = np.searchsorted(followees, self.tweets.authors[tweet]).clip(max=len(followees) - 1)
        known_ms = since_ms[place]
        tweet[known_ms > at_ms[:, None]] = _NOTHING
        tweet = self._in_order(viewer, session, tweet)
        depth = looks(world.seed, world.viewers, np.full(len(session), viewer), session)
        reached = (np.arange(tweet.shape[1])[None, :] < depth[:, None]) & (tweet != _NOTHING)
        row, position = np.nonzero(reached)
        seen = tweet[row, position]
        looked = noticed(world.seed, np.full(len(row), viewer), self.tweets.keys[seen], session[row])
        # The first look at each; rows rise with the session, so the first is the earliest.
        _, earliest = np.unique(seen[looked], return_index=True)
        keep = np.flatnonzero(looked)[np.sort(earliest)]
        row, position, seen = row[keep], position[keep], seen[keep]
        moment = at_ms[row] + 1_000 + position * _LOOK_MS
        inside = moment < self.until_ms
        row, position, seen, moment = row[inside], position[inside], seen[inside], moment[inside]
        return Looks(np.full(len(row), viewer), seen, session[row], position, moment)

    def _in_order(self, viewer: int, session: Ints, tweet: Ints) -> Ints:
        """What each session is shown: the newest first without gaps, or as chance has it."""
        seed = self.world.seed
        shuffled = uniform(seed, "shuffled", viewer, session) < SHUFFLED
        rank = np.broadcast_to(np.arange(tweet.shape[1], dtype=np.float64), tweet.shape).copy()
        keys = self.tweets.keys[tweet[shuffled]]
        rank[shuffled] = uniform(seed, "shuffle", viewer, keys, session[shuffled, None])
        rank[tweet == _NOTHING] = np.inf
        return np.take_along_axis(tweet, np.argsort(rank, axis=1, kind="stable"), 1)[:, :MOST_LOOKS]


def _newest(written_ms: Ints, at_ms: Ints, most: int) -> Ints:
    """For each moment [s] the places of the newest in rising times [t]: int64 [s, most], newest first."""
    end = np.searchsorted(written_ms, at_ms)
    return np.asarray(np.maximum(end[:, None] - 1 - np.arange(most)[None, :], _NOTHING), np.int64)


def _joined(parts: list[Looks]) -> Looks:
    return Looks(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("viewers", "tweets", "sessions", "positions", "at_ms")
        )
    )
