"""What docs/adding-a-feature.md adds, looked for everywhere; run by its test in a copy that has it."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from features.accumulate import FeatureState, Observation
from features.compute import matrix
from features.moments import UNKNOWN, Moments
from features.packed_row import decode_block, encode_row
from features.packed_store import row_key
from features.reader import FeatureReader
from features.schema import FEATURES, VIEWS
from features.view import EventKind
from stores.redis_client import Found, RedisClient
from tests.unit.training.lakes import T0_MS, LakeBuilder
from training.asof import features_as_of, observations

VIEWER, AUTHOR, TWEET = 1, 6, 5
HOUR_MS = 3_600_000
NOW_MS = T0_MS + 3 * HOUR_MS
MOMENT = Moments(
    np.array([VIEWER]), np.array([AUTHOR]), np.array([TWEET]), np.array([NOW_MS]), UNKNOWN, UNKNOWN
)
COLUMN = FEATURES.index("va.since_click_h")


class Rows:
    """Redis, as far as the reader asks it."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    async def find(self, keys: list[bytes], mark: bytes) -> Found:
        return Found([self.rows.get(key) for key in keys], [b"1"])


async def test_it_is_served_as_it_is_in_the_batch(tmp_path: Path) -> None:
    state, redis, lake = FeatureState(), Rows(), LakeBuilder()
    happened: list[tuple[EventKind, int]] = [("click", T0_MS), ("seen", T0_MS + HOUR_MS)]
    for kind, at_ms in happened:
        state.apply(Observation(at_ms, kind, VIEWER, AUTHOR, TWEET))
        lake.view(kind, at_ms, viewer=VIEWER, author=AUTHOR, tweet=TWEET)
    redis.rows = {row_key(row.view, row.entity): row.packed for row in state.drain()}
    reader = FeatureReader(cast(RedisClient, redis))
    blocks, _ = await reader.fetch(VIEWER, MOMENT.tweets, MOMENT.authors)
    served = matrix(blocks, MOMENT)
    assert served[0, COLUMN] == 3.0
    replayed = observations(lake.write(tmp_path), until_ms=NOW_MS)
    assert features_as_of(replayed, MOMENT, lag_s=60.0).tobytes() == served.tobytes()


def test_rows_of_before_are_read_beside_those_of_today() -> None:
    old = encode_row(10, T0_MS // 1000, 1, array("f", [1.0] * (VIEWS["va"].width - 1)))
    new = encode_row(11, T0_MS // 1000, 1, array("f", [1.0] * VIEWS["va"].width))
    block = decode_block([old, new], VIEWS["va"])
    assert block.schema_id.tolist() == [10, 11]
    assert np.isnan(block.values[:, -1]).tolist() == [True, False]
    assert (block.values[:, :-1] == 1.0).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_feast_has_the_field_and_the_input(tmp_path: Path) -> None:
    from features.repo.definitions import definitions

    objects: dict[str, Any] = {getattr(one, "name", ""): one for one in definitions(tmp_path)}
    assert "va.last_click" in {field.name for field in objects["va"].schema}
    assert "va.since_click_h" in {field.name for field in objects["model_inputs"].schema}
