"""What a bundle has to be before it may serve: whole, as described, and the same as its booster."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np

from core.errors import Corrupt
from ranking.bundle import MANIFEST_FILE, Parity, load_bundle
from ranking.model import RankingModel
from ranking.registered import Entry

MAX_DIFF = 1e-5
"""How far the graph's probabilities may be from the booster's."""


def admitted(models: Path, name: str, version: str) -> Entry:
    """What is under `<models>/<name>/<version>`, looked at from all sides; raises Corrupt with the reason."""
    _, entry = _opened(models, name, version)
    return entry


def open_model(models: Path, entry: Entry) -> RankingModel:
    """Loads and warms what was registered; raises Corrupt where that is not what is there any more."""
    model, found = _opened(models, entry.name, entry.version)
    if found != entry:
        raise Corrupt(f"{entry.label}: the files are not those that were registered")
    return model


def _opened(models: Path, name: str, version: str) -> tuple[RankingModel, Entry]:
    directory = models / name / version
    bundle = load_bundle(directory)
    manifest = bundle.manifest
    if (manifest.name, manifest.version) != (name, version):
        raise Corrupt(f"{directory} holds {manifest.name}@{manifest.version}, not {name}@{version}")
    _check_parity(manifest.parity)
    model = RankingModel(bundle)
    heads = model.score(np.full((1, len(manifest.input.features)), np.nan, np.float32))
    if not np.isfinite(heads).all():
        raise Corrupt("the graph makes no number of a candidate of whom nothing is known")
    try:
        digest = hashlib.sha256((directory / MANIFEST_FILE).read_bytes()).hexdigest()
    except OSError as exc:
        raise Corrupt(f"{directory} holds no readable bundle: {exc}") from exc
    return model, Entry(name, version, manifest.sha256, digest)


def _check_parity(parity: Parity) -> None:
    faults = []
    if parity.rows < 1:
        faults.append("it was compared on no rows")
    if not (math.isfinite(parity.max_diff) and parity.max_diff <= MAX_DIFF):
        faults.append(f"probabilities differ by up to {parity.max_diff:.1e} (at most {MAX_DIFF:.0e})")
    if parity.order_changes:
        faults.append(f"{parity.order_changes} requests change their order")
    if not parity.batch_invariant:
        faults.append("a row's bits depend on its batch")
    if faults:
        raise Corrupt(f"graph and booster are not the same: {'; '.join(faults)}. Train it again.")
