"""Small lakes with known contents, written through the real store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from core.ids import compose_id
from features.schema import SCHEMA_HASH
from stores.lake import LakeReader
from stores.lake_disk import LakeDisk
from stores.lake_store import Addition, LakeStore
from stores.lake_tables import SCHEMAS, Table

T0_MS = 1_700_000_000_000
DAY_MS = 86_400_000


@dataclass
class LakeBuilder:
    """Collects events in any order; `write` makes a lake of them. Event ids rise as events are added."""

    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"views": [], "edges": [], "served": [], "tweets": [], "follows": []}
    )
    last_id: int = 0

    def view(
        self,
        kind: str,
        ts_ms: int,
        *,
        viewer: int = 1,
        request: str = "aa",
        tweet: int = 5,
        author: int = 6,
        value_ms: int = 0,
    ) -> None:
        row = {
            "viewer": viewer,
            "request_id": request,
            "tweet": tweet,
            "author": author,
            "kind": kind,
            "position": 0,
            "value_ms": value_ms,
            "surface": "",
        }
        self._add("views", ts_ms, row)

    def like(
        self, ts_ms: int, *, user: int = 1, tweet: int = 5, author: int = 6, on: bool = True, times: int = 1
    ) -> None:
        self.edge("like", ts_ms, user=user, tweet=tweet, author=author, on=on)
        for _ in range(times - 1):
            self.rows["edges"].append(self.rows["edges"][-1])

    def edge(
        self, kind: str, ts_ms: int, *, user: int = 1, tweet: int = 5, author: int = 6, on: bool = True
    ) -> None:
        ids = {"user": user, "tweet": tweet, "author": author}
        self._add("edges", ts_ms, {**ids, "on": on, "ver": self.last_id, "kind": kind})

    def follow(self, ts_ms: int, *, follower: int = 1, followee: int = 6, on: bool = True) -> None:
        row = {"follower": follower, "followee": followee, "on": on, "ver": self.last_id}
        self._add("follows", ts_ms, row)

    def tweet(
        self,
        ts_ms: int,
        *,
        tweet: int = 5,
        author: int = 6,
        text_len: int = 0,
        reply_to: int | None = 0,
        media_kind: str | None = "",
    ) -> None:
        row = {
            "tweet": tweet,
            "author": author,
            "created_ms": ts_ms,
            "text_len": text_len,
            "reply_to": reply_to,
            "retweet_of": 0,
            "media_kind": media_kind,
        }
        self._add("tweets", ts_ms, row)

    def served(
        self,
        now_ms: int,
        *,
        viewer: int = 1,
        request: str = "aa",
        tweet: int = 5,
        features: Sequence[float] = (),
        schema_hash: str = SCHEMA_HASH,
        propensity: float | None = None,
    ) -> None:
        row: dict[str, Any] = dict.fromkeys(SCHEMAS["served"].names()) | {
            "now_ms": now_ms,
            "viewer": viewer,
            "request_id": request,
            "tweet": tweet,
            "author": 6,
            "position": 0,
            "schema_hash": schema_hash,
            "features": np.array(features, "<f4").tobytes(),
            "propensity": propensity,
        }
        self._add("served", now_ms, row)

    def write(self, root: Path, *, complete_ms: int | None = None) -> LakeReader:
        """`complete_ms` is how far views and edges are complete; by default 10 days after the last event."""
        if complete_ms is None:
            times = [row["ts_ms"] for rows in self.rows.values() for row in rows]
            complete_ms = max(times, default=T0_MS) + 10 * DAY_MS
        frames = {
            table: pl.DataFrame(rows, schema=SCHEMAS[table]) for table, rows in self.rows.items() if rows
        }
        store = LakeStore.open(root, LakeDisk())
        store.commit(Addition(frames, {}, {"views": complete_ms, "edges": complete_ms}), complete_ms)
        store.close()
        return LakeReader(root)

    def _add(self, table: Table, ts_ms: int, row: dict[str, Any]) -> None:
        self.last_id += 1
        self.rows[table].append({**row, "ts_ms": ts_ms, "event_id": self.last_id})


def world(*, impressions: int = 3_000, seed: int = 3, days: int = 1) -> LakeBuilder:
    """Viewers and tweets with click rates of their own: what a model can learn, and item rates in part."""
    random = np.random.default_rng(seed)
    viewers = random.normal(0.0, 1.0, 60)
    tweets = random.normal(0.0, 1.0, 80)
    builder = LakeBuilder()
    times = np.sort(random.integers(0, days * DAY_MS, impressions)) + T0_MS
    for i, ts_ms in enumerate(times.tolist()):
        viewer, tweet = int(random.integers(len(viewers))), int(random.integers(len(tweets)))
        ids: dict[str, Any] = {
            "viewer": 100 + viewer,
            "tweet": compose_id(T0_MS - 3_600_000 * (tweet + 1), 0, 0, 0) + tweet,
            "author": 1_000 + tweet % 20,
            "request": f"{i // 3:08x}",
        }
        builder.view("seen", ts_ms, **ids)
        if random.random() < 1.0 / (1.0 + np.exp(1.0 - viewers[viewer] - tweets[tweet])):
            builder.view("click", ts_ms + 2_000, **ids)
            builder.view("dwell", ts_ms + 9_000, **ids, value_ms=int(random.integers(500, 90_000)))
    return builder
