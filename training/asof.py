"""Features as they would have been known at a moment: the lake's events, replayed in their own order.

The replay goes through `features.accumulate` and `features.compute`, which also serve. An
observation counts for a moment only where it had arrived before the moment minus the pipeline's lag,
so that no impression sees its own outcome, nor what serving could not have known yet: a client may
report late what happened earlier. When it arrived is the time in the event's id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.ids import EPOCH_MS, ID_UNITS_A_MS
from features.accumulate import Entity, FeatureState, Observation
from features.compute import matrix
from features.moments import Moments
from features.packed_row import decode_block, encode_row
from features.row_block import RowBlock
from features.schema import ENGAGEMENTS, FEATURES, MEDIA_KINDS, OTHER_MEDIA, VIEWS, ViewName
from stores.lake import LakeReader
from training.labels import first_views

# Rows are packed in between, about 600 bytes an impression: 30 MB at a time whatever the range is.
_CHUNK = 50_000

_COLUMNS = Observation._fields
_NOTHING = pl.lit([], pl.List(pl.Float64()))
_WEIGHT = pl.when("on").then(1).otherwise(-1).cast(pl.Int64())


def _integer(value: int) -> pl.Expr:
    return pl.lit(value, pl.Int64())


def observations(reader: LakeReader, *, until_ms: int) -> pl.DataFrame:
    """What the feature stream counts, from the lake, in the order in which it arrived.

    The columns of Observation and `arrived_ms`, the later of the event's own time and its id's,
    sorted by (arrived_ms, event_id). Each (viewer, request, tweet, kind) and each version of what is set
    once, older than `until_ms`.
    """
    parts = (_viewed(reader, until_ms), _edges(reader, until_ms), _follows(reader, until_ms))
    minted_ms = (pl.col("event_id") // ID_UNITS_A_MS) + EPOCH_MS
    return (
        pl.concat([part.select("event_id", *_COLUMNS) for part in (*parts, _tweets(reader, until_ms))])
        .with_columns(arrived_ms=pl.max_horizontal("ts_ms", minted_ms))
        .sort("arrived_ms", "event_id")
        .drop("event_id")
        .collect()
    )


def _viewed(reader: LakeReader, until_ms: int) -> pl.LazyFrame:
    return first_views(reader, ENGAGEMENTS, None, until_ms).with_columns(
        weight=_integer(1), attributes=_NOTHING
    )


def _edges(reader: LakeReader, until_ms: int) -> pl.LazyFrame:
    return (
        reader.scan("edges", to_ms=until_ms)
        .with_columns(kind=pl.col("kind").fill_null("like"))
        .unique(["user", "tweet", "kind", "ver"], keep="first")
        # Replies were written down without their user once.
        .filter(pl.col("user") > 0)
        .with_columns(
            viewer=pl.col("user"),
            value_ms=_integer(0),
            weight=_WEIGHT,
            attributes=_NOTHING,
        )
    )


def _follows(reader: LakeReader, until_ms: int) -> pl.LazyFrame:
    return (
        reader.scan("follows", to_ms=until_ms)
        # Not by their event: those that a block ends, both ways, may have its id.
        .unique(["follower", "followee", "ver"], keep="first")
        .with_columns(
            kind=pl.lit("follow"),
            viewer=pl.col("follower"),
            author=pl.col("followee"),
            tweet=_integer(0),
            value_ms=_integer(0),
            weight=_WEIGHT,
            attributes=_NOTHING,
        )
    )


def _tweets(reader: LakeReader, until_ms: int) -> pl.LazyFrame:
    media = pl.col("media_kind").replace_strict(MEDIA_KINDS, default=OTHER_MEDIA, return_dtype=pl.Float64())
    said = (
        pl.col("text_len").cast(pl.Float64()),
        # What a lake of before did not write down is missing, as it is where the stream was not told.
        pl.when(pl.col("media_kind").is_not_null()).then(media),
        (pl.col("reply_to") > 0).cast(pl.Float64()),
        (pl.col("retweet_of") > 0).cast(pl.Float64()),
    )
    return (
        reader.scan("tweets", to_ms=until_ms)
        .unique("event_id", keep="first")
        .with_columns(
            kind=pl.lit("tweet"),
            viewer=_integer(0),
            value_ms=_integer(0),
            weight=_integer(1),
            attributes=pl.concat_list(one.fill_null(math.nan) for one in said),
        )
    )


def features_as_of(
    replayed: pl.DataFrame, moments: Moments, *, lag_s: float, chunk: int = _CHUNK
) -> NDArray[np.float32]:
    """The model's inputs, float32 [n, len(FEATURES)], row i as of `moments.at_ms[i]` minus the lag.

    Rows are worked on `chunk` at a time, which changes nothing but the memory it takes.
    `replayed` is what `observations` returns. 527,000 observations and 130,000 moments take 6 s.
    """
    cut_ms = moments.at_ms - round(lag_s * 1000)
    order = np.argsort(cut_ms, kind="stable")
    inputs = np.empty((len(order), len(FEATURES)), np.float32)
    state = FeatureState()
    coming = _Coming(replayed)
    for first, end in pairwise([*range(0, len(order), chunk), len(order)]):
        part = order[first:end]
        blocks = _rows_at(state, coming, moments, cut_ms, part)
        inputs[part] = matrix(blocks, moments.take(part))
    return inputs


class _Coming:
    """The observations that were not applied yet."""

    def __init__(self, replayed: pl.DataFrame) -> None:
        columns = [replayed[name].to_list() for name in Observation._fields]
        observed = map(Observation._make, zip(*columns, strict=True))
        self._rest: Iterator[tuple[int, Observation]] = zip(
            replayed["arrived_ms"].to_list(), observed, strict=True
        )
        self._next = next(self._rest, None)

    def apply_until(self, state: FeatureState, cut_ms: int) -> None:
        """Applies everything that arrived strictly before `cut_ms`."""
        following = self._next
        while following is not None and following[0] < cut_ms:
            state.apply(following[1])
            following = next(self._rest, None)
        self._next = following


def _rows_at(
    state: FeatureState,
    coming: _Coming,
    moments: Moments,
    cut_ms: NDArray[np.int64],
    part: NDArray[np.intp],
) -> dict[ViewName, RowBlock]:
    """Every view's rows for these moments, in order of their cut; packed, as they are between processes."""
    packed: dict[ViewName, list[bytes | None]] = {name: [] for name in VIEWS}
    columns = (cut_ms[part], moments.viewers[part], moments.authors[part], moments.tweets[part])
    for cut, viewer, author, tweet in zip(*(column.tolist() for column in columns), strict=True):
        coming.apply_until(state, cut)
        entities: dict[ViewName, Entity] = {
            "g": 0,
            "u": viewer,
            "a": author,
            "t": tweet,
            "va": (viewer, author),
        }
        for name, rows in packed.items():
            row = state.row(name, entities[name])
            rows.append(None if row is None else encode_row(*row))
    return {name: decode_block(rows, VIEWS[name]) for name, rows in packed.items()}
