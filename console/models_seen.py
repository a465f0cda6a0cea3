"""What there is of models at one moment: every bundle on disk, what is registered, who serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import Corrupt, RankfeedError
from ranking.bundle import CARD_FILE, MANIFEST_FILE, Manifest, decode_manifest
from ranking.processes import ProcessReport
from ranking.registered import Change, Registered
from ranking.registry import Registry


@dataclass(frozen=True, slots=True)
class Model:
    """One bundle, or one that is registered and not here: then `fault` says so, as of what cannot be read."""

    name: str
    version: str
    role: str
    manifest: Manifest | None
    fault: str = ""
    has_card: bool = False

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class ModelsSeen:
    """`models` are newest first, what is registered before all others. `processes` is None where nobody can
    be asked, and `unknown` says why."""

    registered: Registered
    models: list[Model]
    processes: list[ProcessReport] | None
    unknown: str

    def model(self, label: str) -> Model | None:
        return next((one for one in self.models if one.label == label), None)

    @property
    def since(self) -> Change | None:
        """The change that made the champion what it is."""
        changes = (one for one in reversed(self.registered.history) if one.kind in ("promote", "rollback"))
        return next(changes, None)

    @property
    def before(self) -> str | None:
        """What a rollback goes to."""
        former = self.registered.former
        return former[-1].label if former else None


async def look_at_models(registry: Registry, root: Path) -> ModelsSeen:
    """Raises Unavailable, ConfigurationError where the registered models cannot be read."""
    registered = await registry.registered()
    processes: list[ProcessReport] | None = None
    unknown = ""
    try:
        processes = await registry.processes()
    except RankfeedError as exc:
        unknown = str(exc)
    bundles = registry.bundles()
    models = await asyncio.to_thread(_read_all, root, bundles, registered)
    return ModelsSeen(registered, models, processes, unknown)


def card_of(registry: Registry, root: Path, name: str, version: str) -> Path | None:
    """The card of a bundle that is there. Only what is listed is looked for: no name is taken as a path."""
    if (name, version) not in registry.bundles():
        return None
    card = root / name / version / CARD_FILE
    return card if card.is_file() else None


def _read_all(root: Path, bundles: Sequence[tuple[str, str]], registered: Registered) -> list[Model]:
    found = [_read(root, name, version, registered) for name, version in bundles]
    there = {one.label for one in found}
    missing = "registered, and its files are not on this machine"
    for entry in registered.wanted():
        if entry.label not in there:
            role = registered.role(entry.label)
            found.append(Model(entry.name, entry.version, role, None, missing))
    order = {entry.label: place for place, entry in enumerate(registered.wanted())}
    newest_first = sorted(found, key=lambda one: one.version, reverse=True)
    return sorted(newest_first, key=lambda one: order.get(one.label, len(order)))


def _read(root: Path, name: str, version: str, registered: Registered) -> Model:
    directory = root / name / version
    role = registered.role(f"{name}@{version}")
    try:
        manifest = decode_manifest((directory / MANIFEST_FILE).read_bytes())
    except (OSError, Corrupt) as exc:
        return Model(name, version, role, None, f"cannot be read: {exc}")
    return Model(name, version, role, manifest, has_card=(directory / CARD_FILE).is_file())
