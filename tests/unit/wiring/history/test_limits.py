"""Each thing that data cannot tell is said where it applies, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.wiring.history.figures import contents, evaluation, imported
from wiring.history.limits import limits
from wiring.history.report import HeadSupport

CLICK = HeadSupport("click", 3_000, 600.0, False)
ALWAYS = ("Only what was shown can be judged", "after weeks of ranked feeds")


def said(
    held: dict[str, Any] | None = None,
    judged: dict[str, Any] | None = None,
    of_import: dict[str, Any] | None = None,
    heads: tuple[HeadSupport, ...] = (CLICK,),
) -> str:
    return "\n".join(
        limits(
            replace(contents(), **{"randomised": 1.0, **(held or {})}),
            [replace(imported(), **(of_import or {}))],
            replace(evaluation(), **(judged or {})),
            heads,
        )
    )


def test_good_data_leaves_what_no_log_can_tell() -> None:
    lines = said().splitlines()
    # Of places it says that they are known, and what that means.
    assert len(lines) == 3
    of_places = "Where items stood is known. The model's training corrects for it; the regression's"
    assert all(words in said() for words in (*ALWAYS, of_places))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"held": {"randomised": 0.0}}, "no inverse propensities"),
        ({"held": {"placed": 0.0}}, "training had no positions to correct by"),
        ({"held": {"placed": 0.4}}, "known of 40% of the impressions"),
        (
            {"held": {"placed": 0.4}},
            "of an average place. The model's training corrects for it, the regression's",
        ),
        ({"judged": {"group": "viewer-day"}}, "Most requests hold one item"),
        ({"held": {"follows": 0}}, "There are no follows"),
        ({"of_import": {"assumptions": ["7 follows were assumed"]}}, "The follows are assumed"),
        ({"held": {"same_hour": 0.97}}, "97% of the tweets are written at the same time of day"),
        ({"judged": {"as_served": 500}}, "The features of 1,500 impressions were computed afterwards"),
        ({"heads": (CLICK, HeadSupport("hide", 4, 1.0, True))}, "hide (4); a head takes 300"),
        ({"held": {"did": {"click": 1, "dwell": 1}}}, "Nobody hid or reported anything"),
        ({"held": {"did": {"click": 1, "hide": 1}}}, "How long people stayed"),
        ({"of_import": {"not_imported": {}}}, "of every impression that it was seen"),
        ({"held": {"declared": False}}, "How far the source is complete is not known"),
        ({"judged": {"viewers": 50}}, "50 viewers are few"),
        ({"judged": {"to_at": "2026-01-23T12:00:00.000Z"}}, "2.5 days were judged"),
    ],
)
def test_what_applies_is_said(changed: dict[str, Any], words: str) -> None:
    assert words in said(**changed)
    assert words not in said()
