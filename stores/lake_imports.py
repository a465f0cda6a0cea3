"""How far what was imported is complete, as its source declared it: files beside the lake's manifests.

    <root>/imports/<digest of the dataset>.json

When an import's events were published says nothing about its source, which recorded until some moment
years ago. Nothing else knows: the events have their own times only.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import polars as pl

from core.errors import Corrupt
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE

_NODE_SHIFT, _NODES = 12, 1 << 10
_IMPORTER = IMPORTER_DATACENTER << 5 | IMPORTER_MACHINE

IMPORTED = pl.col("event_id") // (1 << _NODE_SHIFT) % _NODES == _IMPORTER
"""Of a table of the lake: rows whose event was minted by an import."""


class _Declaration(msgspec.Struct, frozen=True):
    complete_until_ms: int


_decoder = msgspec.json.Decoder(_Declaration)


def declare(root: Path, digest: str, complete_until_ms: int) -> None:
    """Leaves it for readers of the lake at `root`, whole or not at all; again changes nothing."""
    directory = root / "imports"
    directory.mkdir(parents=True, exist_ok=True)
    half = directory / f"{digest}.half"
    with half.open("wb") as file:
        file.write(msgspec.json.encode(_Declaration(complete_until_ms)))
        file.flush()
        os.fsync(file.fileno())
    half.replace(directory / f"{digest}.json")


def declared_ms(root: Path) -> tuple[int, ...]:
    """Of every import (UTC), ascending; raises Corrupt naming a file that cannot be read."""
    found = []
    for path in (root / "imports").glob("*.json"):
        try:
            found.append(_decoder.decode(path.read_bytes()).complete_until_ms)
        except (msgspec.MsgspecError, OSError) as exc:
            raise Corrupt(
                f"{path} does not say how far an import is complete: {exc}. Import the same data again, "
                "which changes nothing else."
            ) from exc
    return tuple(sorted(found))


def complete_for(declared: tuple[int, ...], at_ms: pl.Expr) -> pl.Expr:
    """Up to when the source of an imported event of that moment is complete; null where none said so.

    Of several imports that of the earliest end: rather a label too few than one that is wrong.
    """
    ends = [pl.when(at_ms <= end_ms).then(pl.lit(end_ms, pl.Int64())) for end_ms in declared]
    return pl.min_horizontal(*ends) if ends else pl.lit(None, pl.Int64())
