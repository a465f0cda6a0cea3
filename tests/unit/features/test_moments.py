"""Names as small integers, and moments that are one for all."""

from __future__ import annotations

import math

import numpy as np

from features.moments import UNKNOWN, Moments, code, codes


def test_a_name_has_the_same_small_integer_everywhere() -> None:
    # Written down: rows of a year ago were computed with these.
    assert {name: code(name) for name in ("home", "timeline", "tab-1", "popular")} == {
        "home": 1.0,
        "timeline": 2.0,
        "tab-1": 127.0,
        "popular": 217.0,
    }
    assert math.isnan(code(""))
    others = codes(f"surface {i}" for i in range(1_000))
    assert others.dtype == np.float32
    assert others.min() >= 16
    assert others.max() < 256


def test_taking_candidates_leaves_what_holds_for_all() -> None:
    ids = np.array([5, 6, 7])
    request = Moments(np.array([1]), ids + 10, ids, np.array([99]), codes(["home"]), codes(["", "a", "b"]))
    some = request.take(np.array([2, 0, 2]))
    assert some.tweets.tolist() == [7, 5, 7]
    assert some.authors.tolist() == [17, 15, 17]
    assert (some.viewers.tolist(), some.at_ms.tolist(), some.surfaces.tolist()) == ([1], [99], [1.0])
    assert some.sources[[0, 2]].tolist() == [code("b")] * 2
    each = Moments(ids, ids, ids, ids, UNKNOWN, UNKNOWN).take(np.array([1]))
    assert each.viewers.tolist() == each.at_ms.tolist() == [6]
