"""Feast's objects, generated from the schema: whatever it gains, they gain."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path
from types import FunctionType
from typing import cast

from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    OnDemandFeatureView,
    RequestSource,
    ValueType,
)
from feast.data_format import ParquetFormat
from feast.feast_object import FeastObject
from feast.types import Float32, Int64

from features.offline_rows import DIRECTORY
from features.repo.model_inputs import model_inputs
from features.repo.names import MODEL_INPUTS, NOW_MS, ROW_SEQ, ROW_TIME, SERVICE, feature
from features.schema import FEATURES, SCHEMA_HASH, VIEWS, View


def definitions(lake: Path) -> list[FeastObject]:
    """Everything that `apply` registers; `lake` is the absolute root of the lake."""
    keys = dict.fromkeys(key for view in VIEWS.values() for key in view.keys)
    entities = {key: Entity(name=key, join_keys=[key], value_type=ValueType.INT64) for key in keys}
    views = [_feature_view(view, entities, lake) for view in VIEWS.values()]
    inputs = OnDemandFeatureView(
        name=MODEL_INPUTS,
        sources=[*views, RequestSource(name="request", schema=[Field(name=NOW_MS, dtype=Int64)])],
        schema=[Field(name=name, dtype=Float32) for name in FEATURES],
        mode="pandas",
        udf=cast(FunctionType, model_inputs),
        udf_string=inspect.getsource(model_inputs),
        description="What the model is given: rates, ages and logarithms of the rows, at a moment",
        tags={"schema_hash": SCHEMA_HASH},
    )
    return [*entities.values(), *views, inputs, FeatureService(name=SERVICE, features=[*views, inputs])]


def apply_definitions(store: FeatureStore, lake: Path) -> list[str]:
    """Registers everything; what was registered, by kind and name."""
    objects = definitions(lake)
    store.apply(objects)
    return [f"{type(one).__name__} {one.name}" for one in objects]


def _feature_view(view: View, entities: dict[str, Entity], lake: Path) -> FeatureView:
    return FeatureView(
        name=view.name,
        entities=[entities[key] for key in view.keys],
        schema=[
            *(Field(name=key, dtype=Int64) for key in view.keys),
            *(Field(name=feature(view, column), dtype=Int64) for column in (ROW_TIME, ROW_SEQ)),
            *(Field(name=feature(view, field.name), dtype=Float32) for field in view.fields),
        ],
        ttl=timedelta(seconds=view.ttl_s),
        source=FileSource(
            name=f"{view.name}_rows",
            path=str(lake / DIRECTORY / view.name),
            file_format=ParquetFormat(),
            timestamp_field="event_ts",
            created_timestamp_column="created",
        ),
        description=f"Packed rows: {view.entity}",
        tags={"schema_id": str(view.schema_id)},
    )
