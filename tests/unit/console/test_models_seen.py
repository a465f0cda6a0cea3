"""What there is of models, whatever is wrong with one of them, and two of them side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from console.model_tables import compared, history_table, summary
from console.models_seen import card_of, look_at_models
from ranking.bundle import CARD_FILE, MANIFEST_FILE, Metric
from tests.bundles import bundle, stump
from tests.unit.ranking.registry_world import RegistryWorld


@pytest.fixture
def world(tmp_path: Path) -> RegistryWorld:
    models = tmp_path / "models"
    for version in ("0", "1", "2"):
        bundle(models, version, stump(0.1, 0.5 + int(version) / 10))
    (models / "home" / "1" / CARD_FILE).write_text("<h1>card</h1>")
    return RegistryWorld(models)


async def test_champion_and_challengers_come_first_and_then_the_newest(world: RegistryWorld) -> None:
    await world.registry.promote("home", "1", "to begin with")
    await world.registry.promote("home", "0", "<b>better</b>")
    seen = await look_at_models(world.registry, world.models)
    assert [(one.label, one.role) for one in seen.models] == [
        ("home@0", "champion"),
        ("home@1", "champion before"),
        ("home@2", ""),
    ]
    assert seen.before == "home@1"
    assert seen.since is not None
    assert (seen.since.label, seen.since.by) == ("home@0", "ann")
    assert seen.processes is not None
    assert len(seen.processes) == 3
    told = history_table(seen.registered.history)
    assert "&lt;b&gt;better&lt;/b&gt;" in told
    assert told.index("better") < told.index("to begin with")


async def test_nothing_at_all_is_nothing_wrong(tmp_path: Path) -> None:
    world = RegistryWorld(tmp_path / "none")
    seen = await look_at_models(world.registry, world.models)
    assert (seen.models, seen.before, seen.since) == ([], None, None)
    assert "Nothing was promoted" in history_table([])


async def test_one_that_cannot_be_read_or_is_not_here_says_so(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    (world.models / "home" / "2" / MANIFEST_FILE).write_bytes(b"{}")
    shutil.rmtree(world.models / "home" / "0")
    seen = await look_at_models(world.registry, world.models)
    missing, spoilt, good = seen.models
    assert (missing.label, missing.role) == ("home@0", "champion")
    assert "not on this machine" in summary(missing)
    assert "cannot be read" in summary(spoilt)
    assert "auc, held out 0.7000 (0.6000 to 0.8000)" in summary(good)
    assert "Choose two" in compared(seen, good.label, spoilt.label)


async def test_while_nobody_can_be_asked_models_are_shown(world: RegistryWorld) -> None:
    world.silent = True
    seen = await look_at_models(world.registry, world.models)
    assert (seen.processes, seen.unknown, len(seen.models)) == (None, "Redis is away", 3)


async def test_only_the_card_of_what_is_listed_is_given(world: RegistryWorld, tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_text("secret")
    assert card_of(world.registry, world.models, "home", "1") == world.models / "home" / "1" / CARD_FILE
    for name, version in (("home", "0"), ("home", "9"), ("..", "."), ("home", ".."), ("home/1/../..", "..")):
        assert card_of(world.registry, world.models, name, version) is None


async def test_two_models_stand_side_by_side(world: RegistryWorld) -> None:
    metrics = [Metric("auc", "held out", 0.8, None, None), Metric("ndcg", "<new>", 0.5, None, None)]
    bundle(world.models, "4", metrics=metrics)
    seen = await look_at_models(world.registry, world.models)
    told = compared(seen, "home@1", "home@4")
    for words in ("0.7000 (0.6000 to 0.8000)", "0.8000", "&lt;new&gt;", "the same features"):
        assert words in told
    assert "byte for byte" not in told
    assert "byte for byte" in compared(seen, "home@1", "home@1")
    other = seen.model("home@4")
    assert other is not None
    assert other.manifest is not None
    features = [*other.manifest.input.features[1:], "t.<mine>"]
    changed = msgspec.structs.replace(
        other.manifest, input=msgspec.structs.replace(other.manifest.input, features=features)
    )
    (world.models / "home" / "4" / MANIFEST_FILE).write_bytes(msgspec.json.encode(changed))
    told = compared(await look_at_models(world.registry, world.models), "home@1", "home@4")
    assert "only home@4 has the feature t.&lt;mine&gt;" in told
