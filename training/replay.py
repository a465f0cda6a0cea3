"""Replay: what was served, computed once more from its record, the bundle and the objective of its time.

Heads come from the features as they were served (or from the rows that the record names), terms and
score from the objective, and the place from the multiplier of author diversity: all to the same bits, in
another process, by the code that serves. A page's record has the page only; that an item stands
behind what is better is then shown among its items. Where the whole slate was recorded (`scored.v1`), its
order is made once more too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError, Corrupt
from eventlog.schema import Scored, Served, ServedItem
from features.schema import FEATURES, SCHEMA_HASH
from ranking.bundle import MANIFEST_FILE, format_time, load_bundle
from ranking.diversity import diversify, multipliers
from ranking.model import RankingModel
from ranking.objective import Objective, Terms, ages_s, terms
from training.replayed import ReplayedHead, ReplayedItem, ReplayedPage
from training.served_records import Recorded

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


class Replayer:
    """Raises ConfigurationError, saying why, for what cannot be replayed.

    `bundle_of` gives the directory of a label; `objectives` are by label, those of the records.
    """

    def __init__(self, bundle_of: Callable[[str], Path], objectives: Mapping[str, Objective]) -> None:
        self._bundle_of = bundle_of
        self._objectives = objectives
        self._models: dict[str, RankingModel] = {}

    def page(self, recorded: Recorded, features: Singles | None = None) -> ReplayedPage:
        """`features` float32 [n_scored, n_features], where they were rebuilt from rows."""
        served = recorded.served
        items = replayable(served)
        assert served.model is not None
        assert served.objective is not None
        objective, model = self._objective(served.objective), self._model(served.model)
        as_served = _features(items)
        heads = model.score(as_served if features is None else features)
        made = _terms(objective, model, heads, items, served.now_ms)
        diversity = _diversity(objective, items, made.score)
        differs = _differences(items, heads, made, diversity)
        if features is not None:
            differs["features"] = _any(_unequal(as_served, features))
        slate = recorded.slate
        weights = {head: weight.w for head, weight in objective.weights.items()}
        return ReplayedPage(
            request_id=served.request_id.hex(),
            viewer=str(served.viewer),
            served_at=format_time(recorded.ts_ms),
            features_at=format_time(served.now_ms),
            rung=served.rung,
            reason=served.reason,
            model=served.model,
            objective=served.objective,
            items=[
                ReplayedItem(
                    place=item.position,
                    place_before=item.place_before,
                    tweet=str(item.tweet),
                    author=str(item.author),
                    source=item.source,
                    heads=[
                        ReplayedHead(head, float(value), weights.get(head, 0.0))
                        for head, value in zip(model.heads, heads[i].tolist(), strict=True)
                    ],
                    utility=float(made.utility[i]),
                    freshness=float(made.freshness[i]),
                    source_factor=float(made.source[i]),
                    score=float(made.score[i]),
                    author_rank=item.author_rank,
                    diversity=float(diversity[i]),
                    differs=[name for name, unequal in differs.items() if unequal[i]],
                    seen=float(made.seen[i]),
                )
                for i, item in enumerate(items)
            ],
            unscored=len(served.items) - len(items),
            slate=0 if slate is None else len(slate.sources),
            slate_differs=[] if slate is None else _slate_differences(slate, model, objective),
        )

    def _model(self, label: str) -> RankingModel:
        if label not in self._models:
            directory = self._bundle_of(label)
            if not (directory / MANIFEST_FILE).exists():
                raise ConfigurationError(
                    f"the model {label} that scored it is gone: there is no bundle in {directory}"
                )
            try:
                self._models[label] = RankingModel(load_bundle(directory))
            except Corrupt as exc:
                raise ConfigurationError(f"the model that scored it cannot be used: {exc}") from exc
        return self._models[label]

    def _objective(self, label: str) -> Objective:
        found = self._objectives.get(label)
        if found is None:
            raise ConfigurationError(
                f"the objective {label} that it was ranked by is gone: the control store's history has "
                "another one of this version, or none (`rankfeed objective history`)"
            )
        return found


def replayable(served: Served) -> list[ServedItem]:
    """The items that were scored; raises ConfigurationError, saying why, where there are none to replay."""
    items = [item for item in served.items if item.features]
    if not items:
        why = f" ({served.reason})" if served.reason else ""
        how = "in the order of time" if served.algorithm == "chronological" else "without new scores"
        raise ConfigurationError(
            f"nothing was scored for this page: it was served {how}{why}, rung {served.rung}"
        )
    if served.schema_hash != SCHEMA_HASH:
        raise ConfigurationError(
            f"this page was scored on features {(served.schema_hash or '')[:12]}; this code computes "
            f"{SCHEMA_HASH[:12]}. Replay it with the rankfeed that served it."
        )
    return items


def _slate_differences(slate: Scored, model: RankingModel, objective: Objective) -> list[str]:
    """What of a whole slate comes out otherwise, made again from all candidates' features."""
    n = len(slate.sources)
    heads = model.score(np.frombuffer(slate.features, "<f4").reshape(n, len(FEATURES)))
    roots = np.frombuffer(slate.tweets, "<i8")
    seen = np.frombuffer(slate.seen, "<f8") if slate.seen else np.ones(n, np.float64)
    ages = ages_s(roots, slate.now_ms)
    made = terms(objective, model.heads, heads, ages, slate.sources, _looked_at(seen))
    places, ranks = np.frombuffer(slate.places, "<i4").reshape(n, 2).astype(np.int64).T
    # Of equal scores the newer candidate stood first: which it was, a retweet's own id says, and here
    # only the place.
    diverse = diversify(made.score, -places, np.frombuffer(slate.authors, "<i8"), objective.diversity)
    applied = np.stack([made.freshness, made.source, diverse.multipliers], axis=1)
    unequal = {
        "heads": heads.astype("<f4").tobytes() != slate.heads,
        "seen": made.seen.astype("<f8").tobytes() != seen.tobytes(),
        "score": made.score.astype("<f8").tobytes() != slate.scores,
        "multipliers": applied.astype("<f8").tobytes() != slate.multipliers,
        "places": not (np.array_equal(diverse.places, places) and np.array_equal(diverse.ranks, ranks)),
        "order": not np.array_equal(diverse.order, np.arange(n)),
    }
    return [name for name, differs in unequal.items() if differs]


def _features(items: Sequence[ServedItem]) -> Singles:
    return np.frombuffer(b"".join(item.features for item in items), "<f4").reshape(len(items), -1)


def _terms(
    objective: Objective, model: RankingModel, heads: Singles, items: Sequence[ServedItem], now_ms: int
) -> Terms:
    ages = ages_s(np.array([item.tweet for item in items], np.int64), now_ms)
    looked_at = _looked_at(np.array([item.seen for item in items], np.float64))
    try:
        return terms(objective, model.heads, heads, ages, [item.source for item in items], looked_at)
    except ConfigurationError as exc:
        raise ConfigurationError(f"it cannot have been scored so: {exc}") from exc


def _looked_at(seen: Floats) -> NDArray[np.bool_]:
    """bool [n]: what the viewer had looked at, by what it was multiplied by (float64 [n]): the record has
    no other word of it, and a factor of 1 needs none."""
    looked_at: NDArray[np.bool_] = seen != 1.0
    return looked_at


def _diversity(objective: Objective, items: Sequence[ServedItem], scores: Floats) -> Floats:
    """What multiplies each score, by how many of the author stand above; as recorded where nobody counted."""
    ranks = np.array([item.author_rank for item in items], np.int64)
    if objective.diversity is None:
        return np.ones(len(items), np.float64)
    factors = multipliers(objective.diversity, max(int(ranks.max()), 0) + 1)[ranks.clip(0)]
    applied = np.where(scores < 0, 1.0 / factors, factors)
    return np.where(ranks < 0, [item.diversity for item in items], applied)


def _differences(
    items: Sequence[ServedItem], heads: Singles, made: Terms, diversity: Floats
) -> dict[str, NDArray[np.bool_]]:
    """By name, bool [n]: where what was computed again has other bits than the record."""

    def unequal(of: Callable[[ServedItem], float | None], again: Floats) -> NDArray[np.bool_]:
        return _unequal(np.array([of(item) for item in items], np.float64), again)

    worth = made.score * diversity
    before = np.array([item.place_before for item in items])
    # Items of a page stand in their slate's order; of equal values the better score does first.
    behind = (worth[1:] > worth[:-1]) | ((worth[1:] == worth[:-1]) & (before[1:] < before[:-1]))
    return {
        "heads": _any(_unequal(np.array([item.heads for item in items], np.float32), heads)),
        "freshness": unequal(lambda item: item.freshness, made.freshness),
        "source_factor": unequal(lambda item: item.source_factor, made.source),
        "seen": unequal(lambda item: item.seen, made.seen),
        "score": unequal(lambda item: item.score, made.score),
        "diversity": unequal(lambda item: item.diversity, diversity),
        "place": np.concatenate([np.zeros(1, np.bool_), behind]),
    }


def _unequal(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where bits differ; NaN equals NaN, and 0.0 is not -0.0."""
    bits = np.dtype(f"u{one.dtype.itemsize}")
    differs = np.ascontiguousarray(one).view(bits) != np.ascontiguousarray(other).view(bits)
    unequal: NDArray[np.bool_] = differs & ~(np.isnan(one) & np.isnan(other))
    return unequal


def _any(unequal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool [n] of bool [n, m]: where any of a row is."""
    rows: NDArray[np.bool_] = np.logical_or.reduce(unequal, axis=1)
    return rows
