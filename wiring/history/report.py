"""What a history says of ranking: the figures that the page and the file of numbers are made of."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.errors import Corrupt
from interchange.report import ImportReport
from training.contents import Contents
from training.evaluation import Evaluation

VERSION = 1
_import_decoder = msgspec.json.Decoder(ImportReport)


class HeadSupport(msgspec.Struct, frozen=True):
    """What a head had to learn from: `positives` within `window_s`; a `constant` had too few."""

    name: str
    positives: int
    window_s: float
    constant: bool


class HistoryReport(msgspec.Struct, frozen=True):
    """`objective` is NAME@VERSION; its weights are those of `evaluation.top`. `multiplied` are what it
    multiplies by besides, which the estimate leaves out. `learned` says in words from what."""

    report: int
    contents: Contents
    imports: list[ImportReport]
    evaluation: Evaluation
    objective: str
    multiplied: list[str]
    heads: list[HeadSupport]
    learned: str
    cannot_tell: list[str]


def to_json(report: HistoryReport) -> bytes:
    """What cannot be told is null."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def read_imports(directory: Path) -> list[ImportReport]:
    """What every import into this home said of itself, by its file's name; raises Corrupt."""
    found = []
    for path in sorted(directory.glob("*.json")):
        try:
            found.append(_import_decoder.decode(path.read_bytes()))
        except (OSError, msgspec.MsgspecError) as exc:
            raise Corrupt(
                f"{path} is no report of an import: {exc}. Move it away, or import the same data again."
            ) from exc
    return found
