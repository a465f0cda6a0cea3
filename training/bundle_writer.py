"""Puts a bundle where serving looks for it: all of it at once, or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ranking.bundle import MANIFEST_FILE, MODEL_FILE, Manifest, encode_manifest


def write_bundle(
    models: Path, manifest: Manifest, graph: bytes, beside: Mapping[str, bytes] | None = None
) -> Path:
    """Writes `<models>/<name>/<version>`, durable when it returns; one that is there stays as it is.

    `beside` are files by name that lie with it and that serving does not read, such as its card.
    """
    target = models / manifest.name / manifest.version
    if target.exists():
        return target
    # Deeper than a bundle, so that nobody who lists bundles meets a draft.
    draft = models / ".drafts" / manifest.name / manifest.version / str(os.getpid())
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    files = {**(beside or {}), MODEL_FILE: graph, MANIFEST_FILE: encode_manifest(manifest)}
    for name, content in files.items():
        with (draft / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(draft)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.rename(target)
    _sync(target.parent)
    shutil.rmtree(models / ".drafts" / manifest.name / manifest.version, ignore_errors=True)
    return target


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
