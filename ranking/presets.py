"""The objectives that come with rankfeed: where a product team starts from."""

from __future__ import annotations

from ranking.objective import ENGAGEMENT, SEEN, VERSION, Diversity, FreshnessDecay, Objective, Weight

_AUTHOR = "rankfeed"

SATISFACTION = Objective(
    objective=VERSION,
    name="satisfaction",
    version=0,
    author=_AUTHOR,
    reason="What viewers stay with and like, and do not hide: a click alone is worth little.",
    weights={
        "click": Weight(0.25),
        "dwell": Weight(1.0),
        "like": Weight(4.0),
        # No editor shall come to reward what viewers hide.
        "hide": Weight(-20.0, min=-100.0, max=0.0),
    },
    diversity=Diversity(decay=0.85, floor=0.25),
    seen=SEEN,
)

FRESHNESS = Objective(
    objective=VERSION,
    name="freshness",
    version=0,
    author=_AUTHOR,
    reason="What viewers click, and what is new: worth half after six hours.",
    weights={"click": Weight(1.0)},
    freshness=FreshnessDecay(half_life_s=6 * 3_600.0),
    diversity=Diversity(decay=0.7, floor=0.2),
    seen=SEEN,
)

PRESETS = {one.name: one for one in (ENGAGEMENT, SATISFACTION, FRESHNESS)}
