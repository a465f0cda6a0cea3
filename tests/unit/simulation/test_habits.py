"""Who comes when, and how far they look."""

from __future__ import annotations

import numpy as np

from simulation.habits import HOUR_MS, MOST_LOOKS, by_hour, looks, noticed, sessions
from simulation.people import make_authors, make_viewers
from simulation.tweets import written_tweets

VIEWERS = make_viewers(3, 400)
WHO = np.arange(400)
BEGIN = 490_000 * HOUR_MS
DAY = 24 * HOUR_MS


def test_whoever_comes_is_somewhere_in_the_range_and_once_an_hour() -> None:
    viewer, at_ms = sessions(3, VIEWERS, WHO, BEGIN + 1_234, BEGIN + 3 * DAY)
    assert at_ms.min() >= BEGIN + 1_234
    assert at_ms.max() < BEGIN + 3 * DAY
    assert len(np.unique(viewer * 2**40 + at_ms // HOUR_MS)) == len(viewer)
    assert 1.0 < len(viewer) / 400 / 3 < 2.0


def test_another_range_agrees_about_what_is_in_both() -> None:
    viewer, at_ms = sessions(3, VIEWERS, WHO, BEGIN, BEGIN + DAY)
    _, later_ms = sessions(3, VIEWERS, WHO[50:60], BEGIN - DAY, BEGIN + DAY)
    mine = (viewer >= 50) & (viewer < 60)
    assert np.array_equal(at_ms[mine], later_ms[later_ms >= BEGIN])
    authors = make_authors(3, 30)
    short, long = (written_tweets(3, authors, BEGIN - days * DAY, BEGIN + DAY) for days in (0, 2))
    last = long.take(np.flatnonzero(long.at_ms >= BEGIN))
    assert np.array_equal(short.keys, last.keys)
    assert np.array_equal(short.quality, last.quality)
    assert len(np.unique(long.keys)) == len(long)


def test_the_evening_is_busier_than_the_night() -> None:
    busy = by_hour(np.array([19.0]), np.arange(24))[0]
    assert busy.argmax() == 19
    assert round(float(busy.mean()), 6) == 1.0
    _, at_ms = sessions(3, VIEWERS, WHO, BEGIN, BEGIN + 7 * DAY)
    by_clock = np.bincount(at_ms // HOUR_MS % 24, minlength=24)
    assert by_clock[18:22].sum() > 2 * by_clock[1:5].sum()


def test_the_chance_to_be_looked_at_falls_with_the_position() -> None:
    depth = looks(3, VIEWERS, np.repeat(WHO, 50), np.tile(np.arange(50), 400))
    reached = [(depth > place).mean() for place in (0, 5, 10, 20, 40, MOST_LOOKS)]
    assert reached == sorted(reached, reverse=True)
    assert (reached[0], reached[-1]) == (1.0, 0.0)
    assert 11.0 < depth.mean() < 17.0
    assert 0.9 < noticed(3, np.repeat(WHO, 20), np.tile(np.arange(20), 400), 1).mean() < 0.94
