"""NAME@VERSION, as the commands write models, and where such a bundle lies."""

from __future__ import annotations

from pathlib import Path

from core.errors import ConfigurationError
from ranking.bundle import MANIFEST_FILE
from wiring.home import Home


def bundle_directory(home: Home, label: str | None) -> Path:
    """The bundle of a label; without one the newest by the name `home`. Raises ConfigurationError."""
    if label is None:
        versions = sorted((home.models / "home").glob("*/manifest.json"))
        if not versions:
            raise ConfigurationError(f"there is no model in {home.models}: train one with `rankfeed train`")
        return versions[-1].parent
    name, _, version = label.partition("@")
    # It becomes a path.
    if not name or not version or {"/", "\\", "\0"} & set(label) or {name, version} & {".", ".."}:
        raise ConfigurationError(f"'{label}' is no label: write NAME@VERSION, as `rankfeed models list` does")
    return home.models / name / version


def existing_bundle(home: Home, label: str | None) -> Path:
    """As `bundle_directory`; raises ConfigurationError where there is no such bundle."""
    directory = bundle_directory(home, label)
    if not (directory / MANIFEST_FILE).exists():
        raise ConfigurationError(f"there is no model '{label}' here: `rankfeed models list` names all")
    return directory
