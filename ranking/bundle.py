"""A model on disk: `model.onnx` and the `manifest.json` that says what it is.

    <models>/<name>/<version>/{model.onnx, manifest.json}

Training writes bundles, serving reads them; a bundle never changes once it is there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core.errors import Corrupt, UnknownVersion
from features.schema import FEATURES, SCHEMA_HASH

VERSION = 1
MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
CARD_FILE = "card.html"
"""For people: in no digest, and not in every bundle."""


class Runtime(msgspec.Struct, frozen=True):
    """What the parity was shown on: onnxruntime's version, the graph's opset, threads, processor."""

    ort: str
    opset: int
    intra_op: int
    cpu: str


class Input(msgspec.Struct, frozen=True):
    """The graph's one input, float32 [n, len(features)]: columns by name, in order.

    A missing value is NaN, except where `defaults` names another.
    """

    features: list[str]
    schema_hash: str
    defaults: dict[str, float] = {}


class Calibration(msgspec.Struct, frozen=True):
    """The sigmoid of a * raw + b that is inside the graph; 1 and 0 where the model is its own.

    b has in it what the trees began from, and what the sampling of negatives takes off.
    """

    a: float = 1.0
    b: float = 0.0


class Head(msgspec.Struct, frozen=True):
    """One prediction, the probability of the event: a column of the graph's output `output`.

    That is float32 [n, k], a column for each of the k heads that name it, in their order.
    `negative_rate` is the share of negatives that were kept for training, `window_s` how long after an
    impression its event counted. Of `rows` impressions its label was known (0: not written down yet); a
    `constant` head had too few positives for trees.
    """

    name: str
    output: str
    calibration: Calibration
    negative_rate: float
    positives: int
    window_s: float
    rows: int = 0
    trees: int = 0
    constant: bool = False


class Training(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """What the model learned from: impressions with from <= time < to, labels complete at `mature_at`.

    Times are RFC 3339, UTC. `lake_snapshot` is the number of the lake's manifest; `split` says in
    words what was held out.
    """

    from_: str
    to: str
    mature_at: str
    rows: int
    lake_snapshot: int
    split: str


class Metric(msgspec.Struct, frozen=True):
    """A measured value with its 95 % interval, null where it has none."""

    name: str
    slice: str
    value: float
    lo: float | None = None
    hi: float | None = None


class Parity(msgspec.Struct, frozen=True):
    """What the gate saw: the graph against the boosters on `rows` rows, of all heads."""

    rows: int
    max_diff: float
    order_changes: int
    batch_invariant: bool


class Manifest(msgspec.Struct, frozen=True):
    manifest: int
    name: str
    version: str
    sha256: str
    created_at: str
    runtime: Runtime
    input: Input
    heads: list[Head]
    training: Training
    metrics: list[Metric]
    parity: Parity


class _Version(msgspec.Struct, frozen=True):
    manifest: int


_version_decoder = msgspec.json.Decoder(_Version)
_decoder = msgspec.json.Decoder(Manifest)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle."""

    manifest: Manifest
    model_path: Path


def load_bundle(directory: Path) -> Bundle:
    """Reads and verifies a bundle.

    Raises UnknownVersion where the manifest is newer than this code, or the model wants features
    other than those of this code; Corrupt where a file is missing, damaged or not the one described.
    """
    try:
        manifest = decode_manifest((directory / MANIFEST_FILE).read_bytes())
        digest = hashlib.sha256((directory / MODEL_FILE).read_bytes()).hexdigest()
    except OSError as exc:
        raise Corrupt(f"{directory} holds no readable bundle: {exc}") from exc
    label = f"{manifest.name}@{manifest.version}"
    if digest != manifest.sha256:
        raise Corrupt(f"{label}: {MODEL_FILE} is damaged: its SHA-256 is {digest}, not {manifest.sha256}")
    if manifest.input.schema_hash != SCHEMA_HASH or tuple(manifest.input.features) != FEATURES:
        raise UnknownVersion(
            f"{label} was trained on features {manifest.input.schema_hash[:12]}; this code computes "
            f"{SCHEMA_HASH[:12]}. Train it again with `rankfeed train`."
        )
    return Bundle(manifest, directory / MODEL_FILE)


def decode_manifest(raw: bytes) -> Manifest:
    """Raises UnknownVersion for a higher `manifest`, Corrupt for what is none."""
    try:
        version = _version_decoder.decode(raw).manifest
        if version > VERSION:
            raise UnknownVersion(f"bundle manifest version {version}; this code knows {VERSION}")
        manifest = _decoder.decode(raw)
    except msgspec.MsgspecError as exc:
        raise Corrupt(f"not a bundle manifest: {exc}") from exc
    if not manifest.heads:
        raise Corrupt("not a bundle manifest: it names no head")
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON: people read it too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def format_time(at_ms: int) -> str:
    """RFC 3339, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def parse_time(text: str) -> int:
    """UTC milliseconds from RFC 3339; raises Corrupt."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Corrupt(f"not a time: {text!r}") from exc
    if moment.tzinfo is None:
        raise Corrupt(f"a time without a zone: {text!r}")
    return round(moment.timestamp() * 1000)
