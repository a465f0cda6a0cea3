"""Feast against the reader, the batch and the stream: the same bits of the same rows."""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import redis
from click.testing import CliRunner
from numpy.typing import NDArray

from core.errors import Unavailable
from features.accumulate import PackedRow
from features.compute import matrix
from features.packed_row import encode_row
from features.packed_store import ExpiringRow, PackedStore, row_key
from features.reader import FeatureReader, FeaturesMissing
from features.schema import FEATURES, VIEWS
from stores.lake import LakeReader
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from tests.integration.feast_world import VIEWERS, FeastWorld, entity_frame, happened_in
from tests.integration.redis_world import RedisWorld
from tests.integration.test_features_stream import rows_in
from training.asof import features_as_of, observations
from wiring.cli import main

pytestmark = [
    pytest.mark.filterwarnings("ignore:On demand feature view is an experimental:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ibis"),
]

PAGE = Path(__file__).parents[2] / "docs/features.md"
ROWS = 1_200


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Before any test: it takes seconds, and puts filters of warnings before ours."""
    import wiring.feature_store  # noqa: F401


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a world in which everything happened, once for all; its Redis was away."""
    home = tmp_path_factory.mktemp("past")

    async def happen() -> None:
        options = RedisOptions("redis://127.0.0.1:1", 100)
        away = RedisWorld(options, open_redis(options), None)
        world = FeastWorld(home, away)
        try:
            await world.happen()
        finally:
            world.close()
            await away.client.aclose()

    asyncio.run(happen())
    return home


@pytest.fixture
async def world(tmp_path: Path, past: Path, both_redis: RedisWorld) -> AsyncIterator[FeastWorld]:
    async with happened_in(tmp_path, past, both_redis) as one:
        yield one


@pytest.fixture
async def small_world(tmp_path: Path, past: Path, one_redis: RedisWorld) -> AsyncIterator[FeastWorld]:
    """Where Redis plays no part."""
    async with happened_in(tmp_path, past, one_redis) as one:
        yield one


@asynccontextmanager
async def opened_store(world: FeastWorld) -> AsyncIterator[Any]:
    """Feast over this world, told of everything."""
    from features.repo.definitions import apply_definitions
    from wiring.environment import load_settings
    from wiring.feature_store import feature_store

    store = feature_store(load_settings(world.environment))
    apply_definitions(store, world.home / "lake")
    try:
        yield store
    finally:
        await store.close()


def same_bits(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Of each number; what is missing has no bits of its own."""
    assert one.shape == other.shape
    same: NDArray[np.bool_] = one.view(np.uint32) == other.view(np.uint32)
    return same | (np.isnan(one) & np.isnan(other))


def inputs_of(frame: Any) -> NDArray[np.float32]:
    table: NDArray[np.float32] = frame[list(FEATURES)].to_numpy(np.float32, na_value=np.nan)
    return np.ascontiguousarray(table)


def online(store: Any, asked: Any) -> Any:
    entity_rows = asked.drop(columns="event_timestamp").to_dict("list")
    return store.get_online_features(features=store.get_feature_service("home"), entity_rows=entity_rows)


async def test_online_features_are_those_of_the_reader(world: FeastWorld) -> None:
    moments = world.moments(ROWS)
    now_ms = world.ended_ms(5)
    async with opened_store(world) as store:
        got = online(store, entity_frame(moments).assign(now_ms=now_ms)).to_df()
    assert len(got) == ROWS
    reader = FeatureReader(world.redis.client)
    for viewer in range(1, VIEWERS + 3):
        of_viewer = moments.viewers == viewer
        tweets, authors = moments.tweets[of_viewer], moments.authors[of_viewer]
        blocks, _ = await reader.fetch(viewer, tweets, authors)
        rows = got[of_viewer]
        asked = moments.take(np.flatnonzero(of_viewer))
        asked = asked._replace(at_ms=np.array([now_ms]))
        assert same_bits(inputs_of(rows), matrix(blocks, asked)).all()
        for name, view in VIEWS.items():
            block = blocks[name]
            missing = np.broadcast_to(~block.present, len(rows))
            assert (rows[f"{name}.seq"].isna().to_numpy() == missing).all()
            for i, field in enumerate(view.fields):
                values = rows[f"{name}.{field.name}"].to_numpy(np.float32, na_value=np.nan)
                assert same_bits(values, np.broadcast_to(block.values[:, i], len(rows)).copy()).all()


async def test_historical_features_are_those_of_the_batch(small_world: FeastWorld) -> None:
    world = small_world
    moments = world.moments(ROWS)
    reader = LakeReader(world.home / "lake")
    batch = features_as_of(observations(reader, until_ms=world.ended_ms(9)), moments, lag_s=0.0)
    async with opened_store(world) as store:
        got = store.get_historical_features(
            entity_df=entity_frame(moments), features=store.get_feature_service("home")
        ).to_df()
        leaking = _joined_without_regard_to_arrival(store, entity_frame(moments))
    assert len(got) == ROWS
    equal = same_bits(inputs_of(got), batch[got["row"].to_numpy()])
    assert equal.all(), [FEATURES[i] for i in np.flatnonzero(~equal.all(axis=0))]
    assert got["t.seq"].notna().mean() > 0.5
    assert got["va.seq"].isna().any()
    # Nothing is alike because it is missing, or 0, everywhere.
    unlike = [name for name in FEATURES if got[name].nunique() > 1]
    # All of it may lie within one hour of the day.
    assert set(FEATURES) - set(unlike) - {"c.hour"} == {"t.retweet", "c.surface"}
    # The comparison would see a late event that is counted before it came.
    assert not same_bits(inputs_of(leaking), batch[leaking["row"].to_numpy()]).all()


def _joined_without_regard_to_arrival(store: Any, asked: Any) -> Any:
    from features.repo.offline_store import LakeOfflineStore

    service = store.get_feature_service("home")
    return LakeOfflineStore.get_historical_features(
        config=store.config,
        feature_views=[store.get_feature_view(name) for name in VIEWS],
        feature_refs=[
            f"{projection.name}:{feature.name}"
            for projection in service.feature_view_projections
            for feature in projection.features
        ],
        entity_df=asked,
        registry=store.registry,
        project=store.project,
        filter_by_created_timestamp=False,
    ).to_df()


async def test_materialize_brings_back_what_the_stream_had_written(world: FeastWorld) -> None:
    before = await rows_in(world.redis.look)
    assert len(before) > 200
    await world.redis.look.flushall()
    assert "every row" in await asyncio.to_thread(rankfeed, world, "features", "materialize")
    # Who looked at what is no row: the offline source has it not.
    assert await rows_in(world.redis.look) == {
        key: row for key, row in before.items() if key.startswith(b"f:")
    }
    # Readers take them; a stream that comes up brings the lists, and finds no row to better.
    await FeatureReader(world.redis.client).fetch(1, np.array([5]), np.array([6]))
    async with world.streaming(), asyncio.timeout(20):
        while len(await rows_in(world.redis.look)) < len(before):
            continue
    assert await rows_in(world.redis.look) == before


async def test_materialize_does_not_say_that_all_is_there_where_redis_was_emptied_meanwhile(
    one_redis: RedisWorld,
) -> None:
    from features.repo.materialize import materialize

    class Emptying:
        def materialize(self, start: datetime, end: datetime) -> None:
            with redis.Redis.from_url(one_redis.options.url) as plain:
                plain.flushall()

    rows = PackedStore(one_redis.client)
    with pytest.raises(Unavailable, match="look again"):
        await materialize(cast(Any, Emptying()), rows, epoch=b"m", now_ms=1_700_000_000_000)
    assert await rows.epoch() is None


async def test_what_feast_writes_never_replaces_a_newer_row(both_redis: RedisWorld) -> None:
    rows = PackedStore(both_redis.client)

    async def offered(event_ts_s: int, seq: int) -> bool:
        packed = row_of(event_ts_s, seq)
        await rows.offer([ExpiringRow.of(PackedRow("t", 5, packed), 60)])
        return bool(await both_redis.look.get(row_key("t", 5)) == packed)

    assert await offered(1_700_000_000, 7)
    assert not await offered(1_699_999_999, 12)
    assert not await rows.offer([ExpiringRow.of(PackedRow("t", 5, row_of(1_700_000_000, 7, 9.0)), 60)])
    assert await offered(1_700_000_000, 8)
    assert await offered(1_700_000_001, 1)


async def test_missing_and_expired_rows_are_not_present(tmp_path: Path, one_redis: RedisWorld) -> None:
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    world = FeastWorld(tmp_path, one_redis)
    world.close()
    now_s = world.clock.now_ms() // 1_000
    for tweet, age_s in ((1, 10), (2, VIEWS["t"].ttl_s + 10)):
        await one_redis.look.set(row_key("t", tweet), row_of(now_s - age_s, 1))
    asked = entity_frame(world.moments(3)).assign(tweet=[1, 2, 3])
    async with opened_store(world) as store:
        with pytest.raises(FeaturesMissing):
            online(store, asked)
        rows = PackedStore(one_redis.client)
        await rows.mark(b"1")
        assert await rows.complete(b"1")
        answer = online(store, asked)
    names = list(answer.proto.metadata.feature_names.val)
    statuses = answer.proto.results[names.index("t.click_2d")].statuses
    assert [FieldStatus.Name(status) for status in statuses] == ["PRESENT", "NOT_FOUND", "NOT_FOUND"]


async def test_a_view_that_feast_forgets_is_still_served(tmp_path: Path, one_redis: RedisWorld) -> None:
    world = FeastWorld(tmp_path, one_redis)
    world.close()
    await one_redis.look.set(row_key("t", 1), row_of(1_700_000_000, 1))
    async with opened_store(world) as store:
        store.delete_feature_view("t")
        store.teardown()
    assert await one_redis.look.get(row_key("t", 1)) == row_of(1_700_000_000, 1)
    said = await asyncio.to_thread(rankfeed, world, "features", "apply")
    assert all(name in said for name in (*VIEWS, "model_inputs", "home"))


async def test_the_page_for_notebooks_does_what_it_says(
    small_world: FeastWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = small_world
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread(rankfeed, world, "features", "apply")
    said: dict[str, Any] = {"print": lambda *_: None}
    exec(program, said)
    one, other = said["online"], said["historical"]
    assert set(FEATURES) < set(one.columns)
    assert set(one.columns) == set(other.columns) - {"event_timestamp", "now_ms", "surface", "source"}
    assert same_bits(inputs_of(one), inputs_of(other)).all()
    # The inputs by themselves: Feast finds the rows that they need.
    asked = {**said["candidates"], **said["asked"], "now_ms": 1}
    alone = said["store"].get_online_features(["model_inputs:t.click_rate_2d"], [asked]).to_df()
    assert alone["t.click_rate_2d"].notna().all()
    await said["store"].close()


def row_of(event_ts_s: int, seq: int, value: float = 1.0) -> bytes:
    view = VIEWS["t"]
    return encode_row(view.schema_id, event_ts_s, seq, array("f", [value] * view.width))


def rankfeed(world: FeastWorld, *arguments: str) -> str:
    ended = CliRunner().invoke(main, arguments, env=world.environment)
    assert ended.exit_code == 0, ended.output
    return ended.output
