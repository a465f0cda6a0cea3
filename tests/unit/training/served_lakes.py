"""Lakes of a small served world: rows by the stream's own steps, pages with the features of the moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.ids import compose_id
from features.accumulate import Entity, FeatureState, Observation, tweet_attributes
from features.compute import matrix
from features.moments import HOME, Moments, codes
from features.offline_rows import DIRECTORY, OFFLINE, Chunk, frame_of, pack_owned
from features.packed_row import decode_block
from features.schema import SCHEMA_HASH, VIEWS, EventKind, ViewName
from stores.lake_disk import LakeDisk
from stores.lake_store import Addition, LakeStore
from stores.lake_tables import SCHEMAS
from tests.unit.training.lakes import T0_MS

VIEWERS, AUTHORS, TWEETS = 4, 3, 12
WAVES, WAVE_MS = 6, 60_000
ITEMS_A_PAGE = 5
SOURCE = "timeline"
TWEET_IDS = [compose_id(T0_MS - 600_000 * (i + 1), 0, 0, i) for i in range(TWEETS)]

Tampering = Callable[[int, NDArray[np.float32]], NDArray[np.float32]]
"""Takes a wave's number and the features of one page, and returns what was served instead."""


def served_lake(
    root: Path,
    *,
    served_as: Tampering = lambda wave, features: features,
    keep: Callable[[int], bool] = lambda wave: True,
    stored_as: Callable[[str, pl.DataFrame], pl.DataFrame] = lambda view, rows: rows,
    schema_hash: str = SCHEMA_HASH,
) -> Path:
    """Waves of events; after each, what is committed by then is served to everybody.

    Rows of a wave reach the offline source where `keep` says so, as `stored_as` makes them. All of it
    has WAVES * VIEWERS pages.
    """
    random = np.random.default_rng(11)
    kinds: tuple[EventKind, ...] = ("seen", "click", "dwell")
    state, packed = FeatureState(), dict[tuple[ViewName, Entity], bytes]()
    chunks: list[Chunk] = []
    pages: list[dict[str, object]] = []
    for wave in range(WAVES):
        began_ms = T0_MS + wave * WAVE_MS
        for i in range(30):
            viewer, at = int(random.integers(1, VIEWERS + 1)), int(random.integers(0, TWEETS))
            kind = kinds[int(random.integers(3))]
            author, tweet = 100 + at % AUTHORS, TWEET_IDS[at]
            state.apply(Observation(began_ms + i * 700, kind, viewer, author, tweet, i * 900))
            if i % 10 == 0:
                said = tweet_attributes(i, "video", is_reply=False, is_retweet=True)
                state.apply(Observation(began_ms + i * 700, "tweet", 0, author, tweet, attributes=said))
                state.apply(Observation(began_ms + i * 700, "follow", viewer, author, 0))
        rows = state.drain()
        packed |= {(row.view, row.entity): row.packed for row in rows}
        for view in VIEWS:
            of_view = [row for row in rows if row.view == view]
            created_us = (began_ms + 30_000) * 1_000
            if of_view and keep(wave):
                chunks.append(Chunk(len(chunks) + 1, view, created_us, len(of_view), pack_owned(of_view)))
        for viewer in range(1, VIEWERS + 1):
            drawn = random.choice(TWEETS, ITEMS_A_PAGE, replace=False).tolist()
            pages += _page(wave, began_ms + 45_000, viewer, drawn, packed, served_as, schema_hash)
    _write(root, SCHEMAS, {"served": pl.DataFrame(pages, schema=SCHEMAS["served"])})
    frames: dict[str, list[pl.DataFrame]] = {}
    for chunk in chunks:
        frames.setdefault(chunk.view, []).append(frame_of(chunk))
    _write(
        root / DIRECTORY, OFFLINE, {view: stored_as(view, pl.concat(parts)) for view, parts in frames.items()}
    )
    return root


def _page(
    wave: int,
    now_ms: int,
    viewer: int,
    drawn: list[int],
    packed: dict[tuple[ViewName, Entity], bytes],
    served_as: Tampering,
    schema_hash: str,
) -> list[dict[str, object]]:
    tweets, authors = [TWEET_IDS[at] for at in drawn], [100 + at % AUTHORS for at in drawn]
    entities: dict[ViewName, list[Entity]] = {
        "g": [0] * len(drawn),
        "u": [viewer] * len(drawn),
        "a": list(authors),
        "t": list(tweets),
        "va": [(viewer, author) for author in authors],
    }
    blocks = {
        name: decode_block([packed.get((name, one)) for one in entities[name]], view)
        for name, view in VIEWS.items()
    }
    moments = Moments(
        np.array([viewer], np.int64),
        np.array(authors, np.int64),
        np.array(tweets, np.int64),
        np.array([now_ms], np.int64),
        codes([HOME]),
        codes([SOURCE]),
    )
    features = served_as(wave, matrix(blocks, moments))
    return [
        dict.fromkeys(SCHEMAS["served"].names())
        | {
            "ts_ms": now_ms + 3,
            "event_id": wave,
            "now_ms": now_ms,
            "request_id": f"{wave:02x}{viewer:02x}",
            "viewer": viewer,
            "schema_hash": schema_hash,
            "tweet": tweets[i],
            "author": authors[i],
            "position": i,
            "source": SOURCE,
            "surface": HOME,
            "features": features[i].tobytes(),
            "rows": [
                {"view": name, "schema_id": int(block.schema_id[i]), "seq": int(block.seq[i])}
                for name, block in blocks.items()
            ],
        }
        for i in range(len(drawn))
    ]


def _write(root: Path, schemas: Mapping[str, pl.Schema], frames: dict[str, pl.DataFrame]) -> None:
    store = LakeStore.open(root, LakeDisk(), schemas)
    store.commit(Addition(frames, {}, {}), T0_MS)
    store.close()
