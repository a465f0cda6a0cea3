"""What was published of the schema: `schema.lock.json`, append-only.

The lock holds every schema id that rows were ever written with. A change of the code that would
make those rows unreadable, or another meaning of the same bytes, is refused by `check_lock`; what
the code adds is written by `rankfeed features lock`. The lock also has the hash of the model's inputs,
which may change as one likes: it sees to it that nobody does so unawares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.errors import ConfigurationError
from features.schema import SCHEMA_HASH, VIEWS
from features.view import View, ViewName

LOCK_PATH = Path(__file__).with_name("schema.lock.json")


class LockedField(msgspec.Struct, frozen=True):
    """One float32; `default` is None for NaN."""

    name: str
    kind: str
    event: str
    half_life_s: int
    default: float | None


class LockedView(msgspec.Struct, frozen=True):
    """A view as it was published under one schema id."""

    view: str
    entity: str
    ttl_s: int
    fields: list[LockedField]


class Lock(msgspec.Struct, frozen=True):
    """Schema id (decimal, as JSON keys are) to the view that was published under it.

    `inputs` is the SCHEMA_HASH that models are to be trained on.
    """

    lock: int
    schemas: dict[str, LockedView]
    inputs: str = ""


_decoder = msgspec.json.Decoder(Lock)


def read_lock(path: Path = LOCK_PATH) -> Lock:
    """Raises ConfigurationError where the file is missing or is no lock of this format."""
    try:
        lock = _decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as exc:
        raise ConfigurationError(
            f"{path.name} cannot be read ({exc}); restore it from version control, never make it anew"
        ) from exc
    if lock.lock != 1:
        raise ConfigurationError(f"{path.name} has format {lock.lock}; this code knows 1")
    return lock


def write_lock(path: Path = LOCK_PATH) -> None:
    """Publishes what the code adds; raises ConfigurationError where it contradicts what was locked."""
    path.write_text(render_lock(read_lock(path)))


def check_lock(lock: Lock, views: Mapping[ViewName, View] = VIEWS, inputs: str = SCHEMA_HASH) -> None:
    """Raises ConfigurationError naming the view and field that was reordered, removed or changed.

    Also where the code has a schema id or inputs that the lock lacks: published is only what is locked.
    """
    for schema_id, locked in lock.schemas.items():
        view = next((one for name, one in views.items() if name == locked.view), None)
        if view is None:
            raise ConfigurationError(f"view {locked.view} was published and may not be removed")
        _check_view(int(schema_id), locked, view)
    for view in views.values():
        if str(view.schema_id) not in lock.schemas:
            raise ConfigurationError(
                f"schema id {view.schema_id} of view {view.name} is not in {LOCK_PATH.name}; "
                "publish it with `rankfeed features lock`"
            )
    if lock.inputs != inputs:
        raise ConfigurationError(
            f"the model's inputs are not those of {LOCK_PATH.name}: every model has to be trained again. "
            "If that is meant, say so with `rankfeed features lock`"
        )


def render_lock(lock: Lock | None = None, views: Mapping[ViewName, View] = VIEWS) -> str:
    """The file's next content: everything locked before, and the code's views.

    Raises ConfigurationError where the code contradicts what was locked.
    """
    schemas = dict(lock.schemas) if lock is not None else {}
    for view in views.values():
        schemas.setdefault(str(view.schema_id), _locked(view))
    merged = Lock(1, dict(sorted(schemas.items(), key=lambda item: int(item[0]))), SCHEMA_HASH)
    check_lock(merged, views)
    return msgspec.json.format(msgspec.json.encode(merged), indent=1).decode() + "\n"


def _check_view(schema_id: int, locked: LockedView, view: View) -> None:
    now = _locked(view)
    if schema_id == view.schema_id and now == locked:
        return
    for position, field in enumerate(locked.fields):
        if position >= len(now.fields) or now.fields[position] != field:
            raise ConfigurationError(
                f"field {field.name} of view {view.name} was published at position {position} of schema "
                f"{schema_id} and may not be removed, moved or changed; add new fields at the end"
            )
    if schema_id == view.schema_id:
        what = "new fields" if len(now.fields) > len(locked.fields) else "another entity or ttl"
        raise ConfigurationError(
            f"view {view.name} has {what} under schema {schema_id}; take a new schema_id"
        )
    if schema_id > view.schema_id:
        raise ConfigurationError(
            f"view {view.name} was published under schema {schema_id}; {view.schema_id} is older"
        )


def _locked(view: View) -> LockedView:
    fields = [
        LockedField(
            one.name, one.kind, one.event, one.half_life_s, None if math.isnan(one.default) else one.default
        )
        for one in view.fields
    ]
    return LockedView(view.name, view.entity, view.ttl_s, fields)
