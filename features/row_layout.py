"""Where a view's fields are in rows of every schema that it was published under: by name, from the lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.schema_lock import read_lock
from features.view import View


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Of one published schema: `width` fields a row.

    `source` is int64 [view.width], the position of each of the view's fields in such a row, -1 for one
    that it lacks; `defaults` is float32 [view.width].
    """

    width: int
    source: NDArray[np.int64]
    defaults: NDArray[np.float32]

    def gathered(self) -> Iterator[tuple[int, float]]:
        """Position and default of each of the view's fields."""
        return zip(self.source.tolist(), self.defaults.tolist(), strict=True)


@cache
def layouts(view: View) -> Mapping[int, Layout]:
    """Schema id to layout: the view's own, and every one that was locked for it before.

    Raises ConfigurationError where there is no readable lock.
    """
    found = {view.schema_id: _layout(view, [field.name for field in view.fields])}
    for schema_id, locked in read_lock().schemas.items():
        if locked.view == view.name and int(schema_id) != view.schema_id:
            found[int(schema_id)] = _layout(view, [field.name for field in locked.fields])
    return found


def _layout(view: View, names: list[str]) -> Layout:
    at = {name: i for i, name in enumerate(names)}
    return Layout(
        len(names),
        np.array([at.get(field.name, -1) for field in view.fields], np.int64),
        np.array([field.default for field in view.fields], np.float32),
    )
