"""The packed rows as Feast's online store.

    type: features.repo.online_store.PackedOnlineStore

Serving reads the same rows without Feast (`features.reader`). The stream writes them; what Feast
writes (`materialize`, `write_to_online_store`) never replaces a row that is as new.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feast import Entity, FeatureView
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from pydantic import SecretStr

from core.clock import SystemClock
from features.accumulate import Entity as RowEntity
from features.accumulate import PackedRow
from features.packed_row import decode_block, encode_row
from features.packed_store import COMPLETE_KEY, ExpiringRow, PackedStore, row_key
from features.reader import FeaturesMissing
from features.repo.names import ROW_SEQ, ROW_TIME, feature
from features.repo.redis_thread import RedisThread
from features.schema import VIEWS, View
from stores.redis_options import RedisOptions

Read = tuple[datetime | None, dict[str, Value] | None]
_MISSING: Read = (None, None)


class PackedOnlineStoreConfig(FeastConfigBaseModel):
    """Feast finds it by its name. The settings are those of RANKFEED_REDIS."""

    type: str = "features.repo.online_store.PackedOnlineStore"
    url: SecretStr
    cluster: bool = False
    timeout_ms: int = 10_000
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def options(self) -> RedisOptions:
        return RedisOptions(
            self.url.get_secret_value(),
            self.timeout_ms,
            self.cluster,
            self.tls_ca,
            self.tls_certificate,
            self.tls_key,
        )


class PackedOnlineStore(OnlineStore):
    """Every method may raise Unavailable where Redis is away."""

    def __init__(self) -> None:
        self._redis: RedisThread | None = None

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[Read]:
        """Missing for a row that is not there, cannot be read, or is past its view's ttl by the clock.

        Raises FeaturesMissing where Redis was emptied and does not have every row again.
        """
        view = _view_of(table)
        keys = [row_key(view.name, _entity_of(view, key)) for key in entity_keys]
        found = self._open(config).call(lambda client: client.find(keys, mark=COMPLETE_KEY))
        if found.failure is not None:
            raise found.failure
        if None in found.marks:
            raise FeaturesMissing("Redis was emptied, and not every feature row is back yet")
        block = decode_block(found.values, view)
        oldest_s = SystemClock().now_ms() // 1_000 - view.ttl_s
        columns = _columns(view, requested_features)
        rows: list[Read] = []
        for i in range(len(keys)):
            event_ts_s = int(block.event_ts_s[i])
            if not block.present[i] or event_ts_s < oldest_s:
                rows.append(_MISSING)
                continue
            values = {name: Value(float_val=block.values[i, at]) for name, at in columns}
            values[feature(view, ROW_TIME)] = Value(int64_val=event_ts_s * 1_000)
            values[feature(view, ROW_SEQ)] = Value(int64_val=int(block.seq[i]))
            rows.append((datetime.fromtimestamp(event_ts_s, UTC), values))
        return rows

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Writes each row where Redis has none that is as new; times without a zone are UTC."""
        view = _view_of(table)
        rows = [
            ExpiringRow.of(PackedRow(view.name, _entity_of(view, key), _packed(view, values)), view.ttl_s)
            for key, values, _, _ in data
        ]
        self._open(config).call(lambda client: PackedStore(client).offer(rows))
        if progress is not None:
            progress(len(rows))

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Nothing: no tables are to be made, and the rows of a view that Feast forgets are still served."""

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Closes the connection. The rows stay: they are the stream's, and serving reads them."""
        redis, self._redis = self._redis, None
        if redis is not None:
            redis.close()

    async def close(self) -> None:
        """Closes the connection; the next call opens another."""
        redis, self._redis = self._redis, None
        if redis is not None:
            await asyncio.to_thread(redis.close)

    def _open(self, config: RepoConfig) -> RedisThread:
        if self._redis is None:
            self._redis = RedisThread(config.online_store.options())
        return self._redis


def _view_of(table: FeatureView) -> View:
    return next(view for view in VIEWS.values() if view.name == table.name)


def _entity_of(view: View, key: EntityKey) -> RowEntity:
    """The ids in the view's order; Feast sorts join keys by name."""
    ids = dict(zip(key.join_keys, (value.int64_val for value in key.entity_values), strict=True))
    first, *second = (ids[name] for name in view.keys)
    return (first, second[0]) if second else first


def _columns(view: View, requested: list[str] | None) -> list[tuple[str, int]]:
    names = [feature(view, field.name) for field in view.fields]
    return [(name, i) for i, name in enumerate(names) if requested is None or name in requested]


def _packed(view: View, values: dict[str, Value]) -> bytes:
    fields = array("f")
    for field in view.fields:
        value = values.get(feature(view, field.name), Value())
        # Feast leaves out NaN; a row from before the field was added does not have it.
        fields.append(value.float_val if value.HasField("float_val") else field.default)
    event_ts_s = values[feature(view, ROW_TIME)].int64_val // 1_000
    return encode_row(view.schema_id, event_ts_s, values[feature(view, ROW_SEQ)].int64_val, fields)
