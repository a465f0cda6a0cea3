"""Heads that are done, kept until the bundle is written: a training that was killed goes on after them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import lightgbm as lgb
import msgspec
import numpy as np

from features.schema import SCHEMA_HASH
from training.dataset import Dataset
from training.head import HeadOptions, LearnedHead
from training.labels import LABELS, Head

_FORM = 2


class _Sealed(msgspec.Struct, frozen=True):
    sha256: str
    body: msgspec.Raw


_sealed_decoder = msgspec.json.Decoder(_Sealed)
_decoder = msgspec.json.Decoder(LearnedHead)


class Checkpoints:
    """`<models>/.checkpoints/<name>/<digest>/<head>.json`: one training at a time of a name.

    What is named by another digest is of other data or options, and goes.
    """

    def __init__(self, models: Path, name: str, digest: str) -> None:
        self._all = models / ".checkpoints" / name
        self._mine = self._all / digest

    def load(self, head: Head) -> LearnedHead | None:
        """None where it is not done; what is damaged is not done either."""
        try:
            raw = (self._mine / f"{head}.json").read_bytes()
            sealed = _sealed_decoder.decode(raw)
            if hashlib.sha256(sealed.body).hexdigest() != sealed.sha256:
                return None
            return _decoder.decode(sealed.body)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def save(self, learned: LearnedHead) -> None:
        """Durable when it returns, whole or not at all."""
        for other in self._all.glob("*"):
            if other != self._mine:
                shutil.rmtree(other, ignore_errors=True)
        self._mine.mkdir(parents=True, exist_ok=True)
        body = msgspec.json.encode(learned)
        sealed = _Sealed(hashlib.sha256(body).hexdigest(), msgspec.Raw(body))
        draft = self._mine / f"{learned.name}.{os.getpid()}.half"
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(sealed))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._mine / f"{learned.name}.json")

    def clear(self) -> None:
        shutil.rmtree(self._all, ignore_errors=True)
        with contextlib.suppress(OSError):  # another model's are still there
            self._all.parent.rmdir()


def digest_of(dataset: Dataset, options: Sequence[tuple[Head, HeadOptions]]) -> str:
    """Of all that the heads come from: what was read, and how it is learned from.

    Of the data itself, not of the lake's snapshot: a lake that is written to has another one every
    second, and the same impressions. The number of threads changes nothing, and is not in it.
    """
    hasher = hashlib.sha256()
    for head, one in options:
        booster = (one.booster.seed, one.booster.trees, one.booster.leaves)
        said = (_FORM, lgb.__version__, SCHEMA_HASH, head, booster, one.window_s, one.min_positives)
        hasher.update(repr((*said, one.max_rows)).encode())
    hasher.update(np.ascontiguousarray(dataset.inputs).data)
    for times in (dataset.ts_ms, dataset.requests, dataset.viewers):
        hasher.update(np.ascontiguousarray(times).data)
    hasher.update(np.ascontiguousarray(dataset.positions).data)
    for head in LABELS:
        hasher.update(np.ascontiguousarray(dataset.labels[head]).data)
    return hasher.hexdigest()[:32]
