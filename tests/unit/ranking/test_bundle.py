"""A bundle is loaded whole and as described, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from core.errors import Corrupt, UnknownVersion
from features.schema import FEATURES, SCHEMA_HASH
from ranking.bundle import (
    Calibration,
    Head,
    Input,
    Manifest,
    decode_manifest,
    encode_manifest,
    format_time,
    load_bundle,
    parse_time,
)
from tests.bundles import manifest_of

GRAPH = b"a graph"


def manifest(**changes: object) -> Manifest:
    head = Head("click", "probabilities", Calibration(), 1.0, 300, 600.0)
    return msgspec.structs.replace(manifest_of(GRAPH), **{"heads": [head], **changes})


def write(directory: Path, one: Manifest, graph: bytes = GRAPH) -> Path:
    (directory / "model.onnx").write_bytes(graph)
    (directory / "manifest.json").write_bytes(encode_manifest(one))
    return directory


def test_a_bundle_is_loaded(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path, manifest()))
    assert bundle.manifest == manifest()
    assert bundle.model_path.read_bytes() == GRAPH


def test_the_manifest_has_the_contract_s_members() -> None:
    document = msgspec.json.Decoder().decode(encode_manifest(manifest()))
    assert list(document) == [
        *("manifest", "name", "version", "sha256", "created_at", "runtime", "input", "heads", "training"),
        *("metrics", "parity"),
    ]
    assert list(document["input"]) == ["features", "schema_hash", "defaults"]
    assert list(document["training"]) == ["from", "to", "mature_at", "rows", "lake_snapshot", "split"]
    assert list(document["heads"][0]) == [
        *("name", "output", "calibration", "negative_rate", "positives", "window_s"),
        *("rows", "trees", "constant"),
    ]


def test_an_unknown_member_is_ignored() -> None:
    document = msgspec.json.Decoder().decode(encode_manifest(manifest())) | {"later": 1}
    assert decode_manifest(msgspec.json.encode(document)) == manifest()


def test_a_head_of_before_its_rows_were_written_down_is_read() -> None:
    document = msgspec.json.Decoder().decode(encode_manifest(manifest()))
    for name in ("rows", "trees", "constant"):
        del document["heads"][0][name]
    assert decode_manifest(msgspec.json.encode(document)) == manifest()


def test_a_higher_version_is_refused_whatever_else_it_says() -> None:
    with pytest.raises(UnknownVersion, match="version 2"):
        decode_manifest(b'{"manifest": 2, "heads": "otherwise"}')


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b'{"manifest": 1}'])
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(Corrupt, match="not a bundle manifest"):
        decode_manifest(raw)


def test_a_bundle_without_a_head_is_refused() -> None:
    with pytest.raises(Corrupt, match="no head"):
        decode_manifest(encode_manifest(manifest(heads=[])))


def test_a_changed_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match=r"home@1: model.onnx is damaged"):
        load_bundle(write(tmp_path, manifest(), b"b graph"))


@pytest.mark.parametrize(
    "wanted", [Input(list(FEATURES), "0" * 64), Input(list(reversed(FEATURES)), SCHEMA_HASH)]
)
def test_other_features_are_refused(tmp_path: Path, wanted: Input) -> None:
    with pytest.raises(UnknownVersion, match="Train it again"):
        load_bundle(write(tmp_path, manifest(input=wanted)))


@pytest.mark.parametrize("missing", ["model.onnx", "manifest.json"])
def test_a_missing_file_is_refused(tmp_path: Path, missing: str) -> None:
    (write(tmp_path, manifest()) / missing).unlink()
    with pytest.raises(Corrupt, match="no readable bundle"):
        load_bundle(tmp_path)


def test_times_survive_and_say_their_zone() -> None:
    assert format_time(1_651_334_400_007) == "2022-04-30T16:00:00.007Z"
    assert parse_time("2022-04-30T16:00:00.007Z") == 1_651_334_400_007
    assert parse_time("2022-05-01T00:00+08:00") == 1_651_334_400_000
    for text in ("yesterday", "2022-05-01T00:00"):
        with pytest.raises(Corrupt):
            parse_time(text)
