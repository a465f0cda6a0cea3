"""Register, promote, roll back, retire: by all processes or not at all, and never over what was refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from core.errors import ConfigurationError, Corrupt, Unavailable, UnknownVersion
from features.schema import FEATURES
from ranking.bundle import Input, Parity, encode_manifest, load_bundle
from ranking.model_slot import ModelSlot
from ranking.registered import HISTORY_KEPT, MODELS, Registered, decode_registered, encode_registered
from ranking.stages import StageFailed
from stores.ports import ControlStore, Versioned
from tests.bundles import bundle, stump
from tests.fakes import FakeClock
from tests.unit.ranking.registry_world import RegistryWorld, report_of


@pytest.fixture
def world(tmp_path: Path) -> RegistryWorld:
    for number in range(6):
        bundle(tmp_path, str(number), stump(0.1 + 0.1 * number))
    return RegistryWorld(tmp_path)


async def test_a_promoted_model_serves_everywhere(world: RegistryWorld) -> None:
    outcome = await world.registry.promote("home", "0", "the first")
    assert (outcome.acknowledged, outcome.processes) == (3, 3)
    assert world.serving() == ["home@0"] * 3
    registered = await world.registry.registered()
    assert registered.challengers == []
    assert registered.role("home@0") == "champion"


async def test_a_challenger_is_loaded_everywhere_and_serves_nowhere(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    outcome = await world.registry.register("home", "1", "")
    assert (outcome.acknowledged, outcome.processes) == (3, 3)
    assert world.serving() == ["home@0"] * 3
    reports = await world.reports()
    assert all(outcome.entry.mark in report.loaded for report in reports)


async def test_a_promotion_swaps_what_is_loaded_already(world: RegistryWorld, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(world.models / "home", elsewhere / "home")
    world.slots = [world.slot(elsewhere) for _ in range(3)]
    await world.registry.promote("home", "0", "")
    await world.registry.register("home", "1", "")
    # What is loaded needs no files; nor does the way back.
    shutil.rmtree(elsewhere)
    assert (await world.registry.promote("home", "1", "")).acknowledged == 3
    assert (await world.registry.registered()).challengers == []
    assert (await world.registry.rollback("")).acknowledged == 3
    assert world.serving() == ["home@0"] * 3


async def test_rollbacks_go_back_one_by_one_and_not_past_the_first(world: RegistryWorld) -> None:
    with pytest.raises(ConfigurationError, match="no model was ever promoted"):
        await world.registry.rollback("")
    for version in ("0", "1", "2"):
        await world.registry.promote("home", version, "")
    for wanted in ("home@1", "home@0"):
        assert (await world.registry.rollback("worse")).acknowledged == 3
        assert world.serving() == [wanted] * 3
    with pytest.raises(ConfigurationError, match="home@0 is the first champion that is known"):
        await world.registry.rollback("")
    assert world.serving() == ["home@0"] * 3


async def test_the_history_says_who_when_and_why(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "the first")
    await world.registry_of("bob").register("home", "1", "looks good")
    await world.registry_of("bob").promote("home", "1", "is good")
    await world.registry.rollback("was not")
    history = [one for one in (await world.registry.registered()).history if one.kind != "register"]
    assert [(one.kind, one.label, one.by, one.reason, one.instead_of) for one in history] == [
        ("promote", "home@0", "ann", "the first", None),
        ("promote", "home@1", "bob", "is good", "home@0"),
        ("rollback", "home@0", "ann", "was not", "home@1"),
    ]
    assert all(one.at_ms > 0 for one in history)


async def test_challengers_are_bounded_and_retired(world: RegistryWorld) -> None:
    for version in ("1", "2", "3"):
        await world.registry.register("home", version, "")
    with pytest.raises(ConfigurationError, match="rankfeed models retire"):
        await world.registry.register("home", "4", "")
    # On the way to being the champion it takes nobody's place.
    await world.registry.promote("home", "4", "")
    await world.registry.retire("home", "2", "")
    with pytest.raises(ConfigurationError, match="home@2 is no challenger: home@1, home@3"):
        await world.registry.retire("home", "2", "")
    await world.registry.register("home", "5", "")
    labels = [one.label for one in (await world.registry.registered()).challengers]
    assert labels == ["home@1", "home@3", "home@5"]
    for report in await world.reports():
        assert sorted(mark.partition(" ")[0] for mark in report.loaded) == sorted([*labels, "home@4"])


async def test_registering_twice_changes_nothing(world: RegistryWorld) -> None:
    await world.registry.register("home", "1", "")
    before = await world.registry.registered()
    await world.registry.register("home", "1", "")
    assert await world.registry.registered() == before
    await world.registry.promote("home", "1", "")
    with pytest.raises(ConfigurationError, match="is the champion"):
        await world.registry.register("home", "1", "")


def _flipped(directory: Path) -> None:
    graph = bytearray((directory / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (directory / "model.onnx").write_bytes(graph)


def _rewritten(directory: Path, **changes: Any) -> None:
    manifest = msgspec.structs.replace(load_bundle(directory).manifest, **changes)
    (directory / "manifest.json").write_bytes(encode_manifest(manifest))


FAULTS: dict[str, Callable[[Path], object]] = {
    "damaged": _flipped,
    "trained on features": lambda one: _rewritten(one, input=Input(list(FEATURES), "0" * 64)),
    "manifest version 2": lambda one: _rewritten(one, manifest=2),
    "no readable bundle": lambda one: (one / "model.onnx").unlink(),
    "holds no readable": lambda one: shutil.rmtree(one),
    "order": lambda one: _rewritten(one, parity=Parity(1000, 1e-7, 1, True)),
    "differ by up to": lambda one: _rewritten(one, parity=Parity(1000, 1e-4, 0, True)),
    "got `null`": lambda one: _rewritten(one, parity=Parity(1000, float("inf"), 0, True)),
    "on no rows": lambda one: _rewritten(one, parity=Parity(0, 0.0, 0, True)),
    "depend on its batch": lambda one: _rewritten(one, parity=Parity(1000, 0.0, 0, False)),
    "holds home@9": lambda one: _rewritten(one, version="9"),
}


@pytest.mark.parametrize("words", FAULTS)
async def test_what_is_not_admitted_is_refused_each_time_and_changes_nothing(
    world: RegistryWorld, words: str
) -> None:
    await world.registry.promote("home", "0", "")
    before = await world.registry.registered()
    FAULTS[words](world.models / "home" / "1")
    for ask in (world.registry.promote, world.registry.register, world.registry.promote):
        with pytest.raises(ConfigurationError, match=words):
            await ask("home", "1", "")
    assert await world.registry.registered() == before
    await world.reports()
    assert world.serving() == ["home@0"] * 3


async def test_a_graph_that_does_not_run_is_refused(world: RegistryWorld) -> None:
    bundle(world.models, "broken", b"no graph")
    with pytest.raises(ConfigurationError, match="the graph cannot be loaded"):
        await world.registry.promote("home", "broken", "")
    bundle(world.models, "nan", stump(float("nan"), float("nan")))
    with pytest.raises(ConfigurationError, match="no number"):
        await world.registry.promote("home", "nan", "")


async def test_one_process_that_refuses_is_enough(world: RegistryWorld, tmp_path: Path) -> None:
    """Its disk is another one, say."""
    await world.registry.promote("home", "0", "")
    before = await world.registry.registered()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(world.models / "home", elsewhere / "home")
    _flipped(elsewhere / "home" / "1")
    world.slots[1] = world.slot(elsewhere)
    for ask in (world.registry.promote, world.registry.register):
        with pytest.raises(ConfigurationError, match=r"1 of 3 processes refuse it: .* damaged"):
            await ask("home", "1", "")
        left = await world.registry.registered()
        assert (left.champion, left.challengers) == (before.champion, [])
        assert (left.history[-1].kind, left.history[-1].label) == ("retire", "home@1")
    assert world.serving() == ["home@0"] * 3


async def test_the_loaded_champion_serves_on_whatever_becomes_of_its_files(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    _flipped(world.models / "home" / "0")
    await world.registry.register("home", "1", "")
    assert world.serving() == ["home@0"] * 3
    # Whoever starts now has nothing that serves, and says why; mended, it does.
    fresh = world.slot()
    await fresh.poll()
    with pytest.raises(StageFailed) as failed:
        fresh.current()
    assert failed.value.reason == "model_refused"
    report = report_of(fresh)
    assert report.model is None
    assert report.refused is not None
    assert "home@0: " in report.refused
    assert "damaged" in report.refused
    world.slots.append(fresh)
    await world.registry.promote("home", "1", "")
    assert world.serving() == ["home@1"] * 4
    with pytest.raises(ConfigurationError, match=r"home@0 cannot be rolled back to: .*damaged"):
        await world.registry.rollback("")
    assert world.serving() == ["home@1"] * 4


async def test_of_two_promotions_at_once_one_is_told(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    await world.registry.register("home", "1", "")
    other = world.registry_of("bob")
    entry = (await other.registered()).challengers[0]
    seen = await world.registry.registered()
    await other.promote("home", "2", "")
    with pytest.raises(ConfigurationError, match="another promotion came first: bob made home@2"):
        await world.registry._swapped(entry, lambda one: one, seen)
    assert world.serving() == ["home@2"] * 3


async def test_who_decided_on_what_is_outdated_is_told_before_anything_changes(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    await world.registry.promote("home", "1", "")
    seen = await world.registry.registered()
    await world.registry_of("bob").rollback("it was worse")
    before = await world.registry.registered()
    for change in (
        world.registry.promote("home", "2", "", seen=seen),
        world.registry.rollback("", seen=seen),
    ):
        with pytest.raises(ConfigurationError, match="another promotion came first: bob made home@0"):
            await change
    assert await world.registry.registered() == before
    await world.registry.promote("home", "2", "", seen=before)
    assert world.serving() == ["home@2"] * 3


async def test_while_nobody_can_be_asked_nothing_is_promoted(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    world.silent = True
    with pytest.raises(ConfigurationError, match="not known: Redis is away"):
        await world.registry.promote("home", "1", "")
    registered = await world.registry.registered()
    assert registered.champion is not None
    assert (registered.champion.label, registered.challengers) == ("home@0", [])


async def test_a_document_of_newer_code_leaves_serving_what_serves(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    there = world.control.kept[MODELS]
    world.control.kept[MODELS] = Versioned(b'{"registered": 2}', there.version + 1)
    reports = await world.reports()
    assert world.serving() == ["home@0"] * 3
    assert all("version 2" in (report.refused or "") for report in reports)
    with pytest.raises(ConfigurationError, match="version 2"):
        await world.registry.promote("home", "1", "")
    world.control.kept[MODELS] = Versioned(there.value, there.version + 2)
    assert {report.refused for report in await world.reports()} == {None}


async def test_too_long_a_reason_is_refused_and_changes_nothing(world: RegistryWorld) -> None:
    with pytest.raises(ConfigurationError, match="501 characters; at most 500"):
        await world.registry.promote("home", "0", "x" * 501)
    assert await world.registry.registered() == Registered()


def test_the_document_survives_and_is_bounded() -> None:
    assert decode_registered(encode_registered(Registered())) == Registered()
    with pytest.raises(UnknownVersion):
        decode_registered(b'{"registered": 2, "champion": 7}')
    for raw in (b"", b"[]", b"{}", b'{"registered": 1, "champion": 7}'):
        with pytest.raises(Corrupt):
            decode_registered(raw)
    assert HISTORY_KEPT == 100


async def test_what_was_refused_is_looked_at_again_in_a_while(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    graph = world.models / "home" / "0" / "model.onnx"
    whole = graph.read_bytes()
    _flipped(graph.parent)
    clock = FakeClock()
    fresh = ModelSlot(cast(ControlStore, world.control), world.models, clock)
    await fresh.poll()
    graph.write_bytes(whole)
    await fresh.poll()
    assert report_of(fresh).model is None
    clock.advance(5_000)
    await fresh.poll()
    assert (report_of(fresh).model, report_of(fresh).refused) == ("home@0", None)


async def test_a_registry_that_does_not_answer_leaves_serving_what_serves(world: RegistryWorld) -> None:
    await world.registry.promote("home", "0", "")
    world.control.away = True
    with pytest.raises(Unavailable):
        await world.slots[0].poll()
    assert world.serving() == ["home@0"] * 3
