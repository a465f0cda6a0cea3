"""What an act of chaos came to, in words."""

from __future__ import annotations

from dataclasses import replace

from wiring.chaos.act import ChaosAct, FaultSpan, RungSeen

ACT = ChaosAct(
    rungs=[
        RungSeen(0.2, "full", ""),
        RungSeen(1.1, "full", ""),
        RungSeen(1.5, "cached", "model_failed"),
        RungSeen(2.5, "cached", "model_failed"),
        RungSeen(3.2, "chronological", "model_failed"),
        RungSeen(3.9, "full", ""),
        RungSeen(4.1, "cached", "ranking_busy"),
        RungSeen(5.5, "full", ""),
        RungSeen(6.0, "full", ""),
    ],
    faults=[FaultSpan("model", 1.0, 3.0, 3.9), FaultSpan("redis", 5.0, 7.0, 6.0)],
    refused=1,
    took_s=8.0,
)


def test_a_fault_is_told_with_what_it_did_and_how_soon_that_was_over() -> None:
    model, redis = ACT.lines()
    assert model == (
        "model for 2.0 s: 2 cached (model_failed), 1 chronological (model_failed); full again 0.9 s after it "
        "ended"
    )
    assert redis == "redis for 2.0 s: nothing but full pages; full again 0.0 s after it ended"


def test_pages_belong_to_a_fault_until_feeds_are_full_again() -> None:
    assert [one.at_s for one in ACT.during(ACT.faults[0])] == [1.1, 1.5, 2.5, 3.2, 3.9]


def test_a_fault_under_which_nobody_got_a_page_is_felt() -> None:
    model, redis = ACT.faults
    assert ACT.felt(model)
    assert not ACT.felt(redis)
    refused = replace(ACT, faults=[redis._replace(refused=3)])
    assert refused.felt(refused.faults[0])
    assert refused.lines() == ["redis for 2.0 s: 3 refused (503); full again 0.0 s after it ended"]
