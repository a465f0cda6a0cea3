"""What an objective may say: presets may, and each field that may not stand is named with its limit."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from core.errors import ConfigurationError
from ranking.objective import Diversity, Exploration, FreshnessDecay, Objective, Seen, Weight, check
from ranking.objective_bounds import check_bounds
from ranking.presets import PRESETS

MINE = Objective(1, "mine", 3, "me", "because", {"click": Weight(1.0)})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_within_bounds_and_fit_a_model_of_all_heads(name: str) -> None:
    check_bounds(PRESETS[name])
    check(PRESETS[name], ("click", "like", "dwell", "hide"))
    assert PRESETS[name].name == name


def test_everything_that_may_stand_may_stand() -> None:
    check_bounds(
        replace(
            MINE,
            weights={"click": Weight(-10.0), "like": Weight(100.0, min=100.0, max=100.0), "hide": Weight(0)},
            freshness=FreshnessDecay(60.0),
            diversity=Diversity(decay=0.0, floor=0.01),
            source_factor={"popular": 0.01, "timeline": 100.0},
            exploration=Exploration(0.0, 1.0),
            seen=Seen(0.01),
        )
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "name must be 1 to 32"),
        ({"name": "A B"}, "name must be 1 to 32"),
        ({"name": "a" * 33}, "name must be 1 to 32"),
        ({"author": " "}, "author must have 1 to 100 characters"),
        ({"reason": ""}, "reason must have 1 to 500 characters"),
        ({"reason": "x" * 501}, "reason must have 1 to 500 characters"),
        ({"weights": {}}, "weights must have at least one that is not 0"),
        ({"weights": {"click": Weight(0.0)}}, "weights must have at least one that is not 0"),
        ({"weights": {"click": Weight(11.0)}}, r"weights.click.w is 11 and must lie in -10 to 10"),
        ({"weights": {"click": Weight(math.nan)}}, r"weights.click.w is nan"),
        ({"weights": {"click": Weight(math.inf)}}, r"weights.click.w is inf"),
        ({"weights": {"click": Weight(1.0, min=-math.inf)}}, r"weights.click.min is -inf"),
        ({"weights": {"click": Weight(1.0, max=101.0)}}, r"weights.click.max is 101 and must lie in -100"),
        ({"weights": {"click": Weight(1.0, min=3.0, max=2.0)}}, r"weights.click has min 3 above max 2"),
        ({"freshness": FreshnessDecay(59.0)}, r"freshness.half_life_s is 59 and must lie in 60 .* seconds"),
        ({"freshness": FreshnessDecay(math.nan)}, r"freshness.half_life_s is nan"),
        ({"freshness": FreshnessDecay(1e9)}, r"freshness.half_life_s is 1e\+09"),
        ({"diversity": Diversity(1.1, 0.5)}, r"diversity.decay is 1.1 and must lie in 0 to 1"),
        ({"diversity": Diversity(0.5, 0.0)}, r"diversity.floor is 0 and must lie in 0.01 to 1"),
        ({"source_factor": {"ads": 1.0}}, r"source_factor.ads is no source; there are timeline, popular"),
        ({"source_factor": {"popular": -1.0}}, r"source_factor.popular is -1 and must lie in 0.01 to 100"),
        ({"seen": Seen(0.0)}, r"seen.factor is 0 and must lie in 0.01 to 1"),
        ({"seen": Seen(1.5)}, r"seen.factor is 1.5 and must lie in 0.01 to 1"),
        ({"exploration": Exploration(0.01, 1.0)}, r"exploration.share must be 0: .* not built yet"),
        ({"exploration": Exploration(math.nan, 1.0)}, r"exploration.share must be 0"),
        ({"guardrails": ["latency"]}, r"guardrails must be empty: they are not built yet"),
    ],
)
def test_what_is_out_of_bounds_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_bounds(replace(MINE, **changes))
