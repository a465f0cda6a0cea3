"""What a card is of was seen by no head's trees."""

from __future__ import annotations

from tests.unit.training.datasets import dataset_of
from tests.unit.training.trained import head_of, rows, trained
from training.dataset import UNKNOWN
from training.held_out import held_out
from training.labels import Head

N = 1_000


def test_a_head_is_judged_on_what_calibrated_it_and_nothing_it_learned() -> None:
    clicked = [i % 3 == 0 for i in range(N)]
    found = dataset_of(
        viewers=range(N),
        ts_ms=[1_000_000 * i for i in range(N)],
        requests=range(N),
        # Likes are known for the first half only.
        labels={"click": clicked, "like": [*clicked[: N // 2], *[UNKNOWN] * (N // 2)], "hide": [0] * N},
    )
    booster = trained(rows(200), trees=1)
    heads = [head_of(booster, "click"), head_of(booster, "like"), head_of(None, "hide")]
    learned, judged = held_out(found, heads)
    known_until: dict[Head, int] = {"click": N, "like": N // 2}
    for head, until in known_until.items():
        of_learned = learned.ts_ms[learned.labels[head] != UNKNOWN]
        of_judged = judged.ts_ms[judged.labels[head] != UNKNOWN]
        assert of_judged.max() == found.ts_ms[until - 1]
        assert len(of_judged) == until * 0.06
        assert of_learned.max() < of_judged.min()
    assert not (judged.labels["hide"] != UNKNOWN).any()
