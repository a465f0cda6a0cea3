"""Labels: what counts as one, for how long it may come, and when it is known that it did not.

| head | positive | window |
|---|---|---|
| click | a click of the same item | 10 min |
| dwell | a dwell on it of `LONG_DWELL_MS` and more | 30 min |
| hide | a hide of it | 24 h |
| like, reply, retweet | the viewer's, of the tweet, after this impression of it and before the next | 24 h |

The window begins when the item was seen. Of several reports of one kind the first counts; a like that
was taken back was one all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import polars as pl

from core.errors import ConfigurationError
from features.schema import LONG_DWELL_MS
from stores.lake import LakeReader
from stores.lake_imports import IMPORTED, complete_for

Head = Literal["click", "like", "dwell", "hide", "reply", "retweet"]

KEY = ["viewer", "request_id", "tweet"]
"""What makes an impression."""

_TEN_MIN, _HALF_HOUR, _DAY = 600.0, 1_800.0, 86_400.0


class Label(NamedTuple):
    """`table` is where its events are, and so how far it is known."""

    window_s: float
    table: Literal["views", "edges"]


LABELS: Mapping[Head, Label] = {
    "click": Label(_TEN_MIN, "views"),
    "like": Label(_DAY, "edges"),
    "dwell": Label(_HALF_HOUR, "views"),
    "hide": Label(_DAY, "views"),
    "reply": Label(_DAY, "edges"),
    "retweet": Label(_DAY, "edges"),
}


def head_named(name: str) -> Head:
    """Raises ConfigurationError, which lists them, where there is no such head."""
    for head in LABELS:
        if head == name:
            return head
    raise ConfigurationError(f"there is no head {name!r}: choose from {', '.join(LABELS)}")


def first_views(
    reader: LakeReader, kinds: Iterable[str], from_ms: int | None, to_ms: int | None
) -> pl.LazyFrame:
    """The first event of each kind for each (viewer, request, tweet): clients and logs repeat themselves."""
    return (
        reader.scan("views", from_ms=from_ms, to_ms=to_ms)
        .filter(pl.col("kind").is_in(list(kinds)))
        .sort("ts_ms", "event_id")
        .unique([*KEY, "kind"], keep="first", maintain_order=True)
    )


def label_times(
    reader: LakeReader, shown: pl.LazyFrame, from_ms: int | None, to_ms: int | None
) -> pl.LazyFrame:
    """When each label's event happened: KEY and `<head>_ms`, null where there was none in the range.

    `shown` is the impressions: KEY and `shown_ms`, from when on an item can be engaged with.
    """
    by_table = {
        table: [head for head, one in LABELS.items() if one.table == table] for table in ("views", "edges")
    }
    viewed = first_views(reader, by_table["views"], from_ms, to_ms).filter(
        (pl.col("kind") != "dwell") | (pl.col("value_ms") >= LONG_DWELL_MS)
    )
    edges = (
        reader.scan("edges", from_ms=from_ms, to_ms=to_ms)
        # Replies were written down without their user once.
        .filter(pl.col("on") & (pl.col("user") > 0))
        .select(
            pl.col("user").alias("viewer"), "request_id", "tweet", pl.col("kind").fill_null("like"), "ts_ms"
        )
    )
    named = edges.filter(pl.col("request_id").is_not_null()).join(shown.select(KEY), on=KEY, how="semi")
    # Who likes a tweet likes what was shown last of it.
    last_shown = (
        edges.filter(pl.col("request_id").is_null())
        .drop("request_id")
        .sort("ts_ms")
        .join_asof(
            shown.select(*KEY, "shown_ms").sort("shown_ms"),
            left_on="ts_ms",
            right_on="shown_ms",
            by=["viewer", "tweet"],
            strategy="backward",
            # Both are, as it asks, but it cannot see that within groups, and would warn.
            check_sortedness=False,
        )
        .filter(pl.col("request_id").is_not_null())
    )
    columns = [*KEY, "kind", "ts_ms"]
    found = pl.concat([viewed.select(columns), named.select(columns), last_shown.select(columns)])
    return found.group_by(KEY).agg(
        pl.col("ts_ms").filter(pl.col("kind") == head).min().alias(f"{head}_ms") for head in LABELS
    )


def known_until_ms(reader: LakeReader, head: Head, to_ms: int | None) -> int:
    """Up to when the head's events are all in the lake, and no later than `to_ms`.

    Where the newest impression was imported, no later than its source was complete, either.
    """
    ends_ms = [_published_ms(reader, head), reader.imported_until_ms(), to_ms]
    return min(end_ms for end_ms in ends_ms if end_ms is not None)


def label(reader: LakeReader, head: Head, window_s: float, to_ms: int | None) -> pl.Expr:
    """Of impressions (`seen_ms`, `event_id`): true, false, or null where it is not known.

    That is where its window ends after the lake is complete, or after `to_ms`; and of an imported
    impression after its source was complete, by what it declared, else by its last impression. Null even
    where the event is there already: with early positives and no early negatives, whatever is young
    would look better than it is.
    """
    seen_ms = pl.col("seen_ms")
    ends_ms = seen_ms + round(window_s * 1000)
    known_ms = _published_ms(reader, head)
    known_ms = known_ms if to_ms is None else min(to_ms, known_ms)
    declared_ms = complete_for(reader.declared_ms, seen_ms)
    source_ms = pl.coalesce(declared_ms, seen_ms.filter(IMPORTED).max())
    is_known = (ends_ms <= known_ms) & (~IMPORTED | (ends_ms <= source_ms))
    # An event may reach the log before its `seen`, which comes in the same batch.
    happened = (pl.col(f"{head}_ms") <= ends_ms).fill_null(value=False)
    return pl.when(is_known).then(happened).alias(head)


def _published_ms(reader: LakeReader, head: Head) -> int:
    return min(reader.complete_until_ms("views"), reader.complete_until_ms(LABELS[head].table))
