"""What a demo came to, under the keys that the bars read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from wiring.chaos.act import ChaosAct
from wiring.demo.report import DemoFigures, quantiles

_DIGITS = 4


def to_json(figures: DemoFigures) -> bytes:
    """Every key is there; what cannot be told, as of too few viewers, is null."""
    lift, judgement = figures.lift, figures.judgement
    content = {
        "wall_s": figures.wall_s,
        "utility": {name: one._asdict() for name, one in lift.arms.items()} | {"lift": lift.lift._asdict()},
        "aa": {"lo": lift.aa.lo, "hi": lift.aa.hi},
        "oracle_share": lift.oracle_share,
        "ndcg10": {name: one.mean for name, one in judgement.ndcg.items()},
        "ndcg10_over_popularity": judgement.over_popularity._asdict(),
        "ndcg10_over_logistic": judgement.over_logistic._asdict(),
        "auc": figures.areas,
        "latency_ms": {
            name: quantiles(figures.pages.latency_ms[name]) for name in ("chronological", "ranked")
        },
        "post_to_feed_ms": quantiles(figures.post_ms),
        "served_ranked_share": figures.served_ranked_share,
        "rungs": dict(figures.rungs),
        "sources": dict(figures.sources),
        "chaos": _of_chaos(figures.chaos),
        "lost": figures.audit.lost,
        "doubled": figures.audit.doubled,
    }
    return msgspec.json.format(msgspec.json.encode(_rounded(content)), indent=2) + b"\n"


def _of_chaos(act: ChaosAct | None) -> dict[str, Any] | None:
    """The faults, and the pages that were answered meanwhile by their rungs; null without the act."""
    if act is None:
        return None
    return {
        "took_s": act.took_s,
        "refused": act.refused,
        "rungs": dict(Counter(one.rung for one in act.rungs)),
        "faults": [one._asdict() for one in act.faults],
    }


def _rounded(value: Any) -> Any:
    match value:
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case list():
            return [_rounded(one) for one in value]
        case float():
            # No number is null, in JSON.
            return round(value, _DIGITS)
    return value
