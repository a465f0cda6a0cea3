"""The offline source as Feast reads it: duckdb over the Parquet files that the lake's manifest names.

type: features.repo.offline_store.LakeOfflineStore
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import ibis
import pandas as pd
import pyarrow as pa
from feast import FeatureView
from feast.data_source import DataSource
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.ibis import (
    get_historical_features_ibis,
    pull_all_from_table_or_query_ibis,
    pull_latest_from_table_or_query_ibis,
)
from feast.infra.offline_stores.offline_store import RetrievalJob
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import RepoConfig
from ibis.expr.types import Table

from core.errors import ConfigurationError
from features.offline_rows import OFFLINE
from features.repo.names import ROW_SEQ, ROW_TIME, feature
from features.schema import VIEWS
from stores.lake import LakeReader


class LakeOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Feast finds it by its name."""

    type: str = "features.repo.offline_store.LakeOfflineStore"


class LakeOfflineStore(DuckDBOfflineStore):
    """Feast's own duckdb joins; only which files there are, and who writes them, is ours."""

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        return pull_latest_from_table_or_query_ibis(
            config=config,
            data_source=data_source,
            join_key_columns=join_key_columns,
            feature_name_columns=feature_name_columns,
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            start_date=start_date,
            end_date=end_date,
            data_source_reader=_read,
            data_source_writer=_refuse,
        )

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        return pull_all_from_table_or_query_ibis(
            config=config,
            data_source=data_source,
            join_key_columns=join_key_columns,
            feature_name_columns=feature_name_columns,
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            start_date=start_date,
            end_date=end_date,
            data_source_reader=_read,
            data_source_writer=_refuse,
        )

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = True,
    ) -> RetrievalJob:
        """Joins as of each moment."""
        return get_historical_features_ibis(
            config=config,
            feature_views=feature_views,
            feature_refs=feature_refs,
            entity_df=entity_df,
            registry=registry,
            project=project,
            full_feature_names=full_feature_names,
            data_source_reader=_read,
            data_source_writer=_refuse,
            filter_by_created_timestamp=filter_by_created_timestamp,
        )

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Refused: raises ConfigurationError."""
        _refuse()


def _read(source: DataSource, repo_path: str) -> Table:
    """A view's rows, under the names that they have in Feast; columns younger than all files are null."""
    if not isinstance(source, FileSource):
        raise ConfigurationError(f"{source.name} is no view of the offline source")
    path = Path(source.path)
    view = next(view for view in VIEWS.values() if view.name == path.name)
    schema = OFFLINE[view.name]
    paths = [str(file) for file in LakeReader(path.parent, OFFLINE).paths(view.name)]
    if not paths:
        table = ibis.memtable(schema.to_frame().to_arrow())
    else:
        table = ibis.read_parquet(paths, union_by_name=True, hive_partitioning=False)
    young = {field.name: ibis.null("float32") for field in view.fields if field.name not in table.columns}
    table = table.mutate(**young)
    features = (ROW_TIME, ROW_SEQ, *(field.name for field in view.fields))
    return table.select(
        *view.keys, "event_ts", "created", **{feature(view, name): table[name] for name in features}
    )


def _refuse(*_: object) -> NoReturn:
    raise ConfigurationError(
        "the offline source has one writer, the features stream; write what you joined to a file of your own"
    )
