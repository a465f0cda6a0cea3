"""The act of chaos on the page: a dot a page, a span a fault, and words for who cannot see them."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.pages import parsed
from tests.unit.wiring.demo.figures import figures
from wiring.chaos.act import ChaosAct, FaultSpan, RungSeen
from wiring.demo.as_json import to_json
from wiring.demo.page import page

ACT = ChaosAct(
    [
        RungSeen(0.5, "full", ""),
        RungSeen(2.0, "cached", "features_timeout"),
        RungSeen(3.0, "<b>", "unheard of"),
        RungSeen(8.0, "full", ""),
    ],
    [FaultSpan("features", 1.0, 6.0, 7.5)],
    refused=2,
    took_s=9.0,
)


def test_the_act_is_drawn_and_told() -> None:
    html = page(replace(figures(), chaos=ACT))
    found = parsed(html)
    assert html.count("<circle") - page(figures()).count("<circle") == len(ACT.rungs)
    assert html.count('class="fault"') == 1
    assert "2.00 s: features_timeout" in html
    assert "b" not in found.seen
    assert "features for 5.0 s: 1 cached (features_timeout)" in found.said
    assert "2 requests were answered without a page" in found.said
    assert "#chaos" in found.links


def test_without_an_act_there_is_no_word_of_it() -> None:
    assert "chaos" not in parsed(page(figures())).said.lower()
    assert json.loads(to_json(figures()))["chaos"] is None
    silent = parsed(page(replace(figures(), chaos=replace(ACT, rungs=[])))).said
    assert "there is nothing to draw" in silent


def test_the_file_has_the_faults_and_the_rungs() -> None:
    told = json.loads(to_json(replace(figures(), chaos=ACT)))["chaos"]
    assert told["rungs"] == {"full": 2, "cached": 1, "<b>": 1}
    (fault,) = told["faults"]
    assert fault == {"name": "features", "began_s": 1.0, "ended_s": 6.0, "full_again_s": 7.5, "refused": 0}
