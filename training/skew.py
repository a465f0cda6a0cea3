"""The skew meter: the features that were served, against the same ones computed again from the lake.

A served record names the rows that each item was computed from, by (view, entity, seq), and the
moment. The lake's offline source has these rows, and `features.compute` makes features of them once
more: in another process, from files alone. The same code and the same rows give the same bits; where they
do not, serving and training no longer mean the same by a feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import ConfigurationError
from features.compute import matrix
from features.offline_rows import DIRECTORY, OFFLINE
from features.schema import FEATURES
from ranking.bundle import format_time
from stores.lake import LakeReader
from training.kept_rows import kept_rows
from training.served_items import served_items

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SkewOptions:
    """`from_ms` and `to_ms` (UTC, half-open) bound when items were served; at most `sample` are compared."""

    from_ms: int | None = None
    to_ms: int | None = None
    sample: int = 10_000
    seed: int = 1


class FeatureSkew(msgspec.Struct, frozen=True):
    """One feature over all compared items; unequal are those whose bits differ.

    `only_served` and `only_recomputed` count, among them, where one side has a number and the other
    has none (NaN). The differences are of those that are numbers on both sides. `first_at` and
    `last_at` are when an unequal one was served first and last, `example` names the first.
    """

    feature: str
    compared: int
    unequal: int = 0
    only_served: int = 0
    only_recomputed: int = 0
    max_difference: float = 0.0
    mean_difference: float = 0.0
    first_at: str | None = None
    last_at: str | None = None
    example: str | None = None


class Skew(msgspec.Struct, frozen=True):
    """What a comparison came to. `scored` items were served in the range, `older` of them under another
    schema. Of those drawn, `not_yet` had rows that the lake does not have yet, and `lost` rows that it
    skipped; the others were compared, and `equal` of them have the same bits in every feature.
    """

    snapshot: int
    scored: int
    older: int
    drawn: int
    not_yet: int
    lost: int
    compared: int
    equal: int
    requests: int
    features: list[FeatureSkew]

    @property
    def differs(self) -> bool:
        return self.equal < self.compared or self.lost > 0


def measure_skew(lake: Path, options: SkewOptions) -> Skew:
    """Raises ConfigurationError where there is no lake, or nothing was scored in the range."""
    reader, rows = LakeReader(lake), _rows_of(lake)
    items = served_items(
        reader, from_ms=options.from_ms, to_ms=options.to_ms, most=options.sample, seed=options.seed
    )
    if not items.scored:
        raise ConfigurationError(
            "nothing was served with features in that range: only ranked pages have any. Promote a model "
            "(`rankfeed train --promote`), have feeds read, or choose another range."
        )
    kept = kept_rows(rows, items.frame)
    recomputed = matrix(kept.blocks, items.moments())
    known = ~(kept.lost | kept.not_yet)
    logged = b"".join(items.frame["features"].to_list())
    served = np.frombuffer(logged, "<f4").reshape(-1, len(FEATURES))
    compared = items.frame.filter(pl.Series(known))
    features, equal = compare(compared, served[known], recomputed[known])
    return Skew(
        snapshot=reader.snapshot,
        scored=items.scored,
        older=items.older,
        drawn=items.frame.height,
        not_yet=int(kept.not_yet.sum()),
        lost=int(kept.lost.sum()),
        compared=compared.height,
        equal=equal,
        requests=compared.select("viewer", "request_id").n_unique() if compared.height else 0,
        features=features,
    )


def compare(items: pl.DataFrame, served: Floats, recomputed: Floats) -> tuple[list[FeatureSkew], int]:
    """Feature by feature, and in how many items all are equal; both float32 [n, len(FEATURES)].

    `items` has `ts_ms`, `viewer`, `tweet` and `request_id` of the n. NaN equals NaN, and 0.0 is not -0.0.
    """
    gone, gone_again = np.isnan(served), np.isnan(recomputed)
    unequal = (_bits(served) != _bits(recomputed)) & ~(gone & gone_again)
    features = []
    for column, name in enumerate(FEATURES):
        at = np.flatnonzero(unequal[:, column])
        if not at.size:
            features.append(FeatureSkew(name, len(served)))
            continue
        with np.errstate(invalid="ignore"):
            apart = np.abs(served[at, column].astype(np.float64) - recomputed[at, column].astype(np.float64))
        apart = apart[~np.isnan(apart)]
        moments = items["ts_ms"].to_numpy()[at]
        first = items.row(int(at[np.argmin(moments)]), named=True)
        features.append(
            FeatureSkew(
                name,
                compared=len(served),
                unequal=at.size,
                only_served=int((gone_again & ~gone)[:, column].sum()),
                only_recomputed=int((gone & ~gone_again)[:, column].sum()),
                max_difference=float(apart.max()) if apart.size else 0.0,
                mean_difference=float(apart.mean()) if apart.size else 0.0,
                first_at=format_time(int(moments.min())),
                last_at=format_time(int(moments.max())),
                example=f"viewer {first['viewer']}, tweet {first['tweet']}, request {first['request_id']}",
            )
        )
    return features, int((~unequal.any(axis=1)).sum())


def _bits(values: Floats) -> NDArray[np.uint32]:
    return np.ascontiguousarray(values, np.float32).view(np.uint32)


def _rows_of(lake: Path) -> LakeReader:
    try:
        return LakeReader(lake / DIRECTORY, OFFLINE)
    except ConfigurationError as exc:
        raise ConfigurationError(
            f"{lake / DIRECTORY} has no feature rows: the features stream writes them. Start the stack with "
            "`rankfeed up`, or measure where its lake is."
        ) from exc
