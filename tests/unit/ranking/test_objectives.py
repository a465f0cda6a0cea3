"""Objectives in the control store: every version is kept, none is lost to another, errors change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from core.errors import ConfigurationError, Corrupt, UnknownVersion
from ranking.objective import ENGAGEMENT, Objective, Weight
from ranking.objective_slot import ObjectiveSlot
from ranking.objectives import KEY, Current, Objectives, decode_objective, encode_objective, read_draft
from ranking.presets import PRESETS
from ranking.processes import ProcessReport
from stores.sqlite import open_facts
from stores.sqlite_control import SqliteControlStore
from tests.fakes import FakeClock
from tests.unit.ranking.fake_ranking import FakeModel, oldest_best

LIKES = Objective(1, "likes", 0, "ada", "try likes", {"like": Weight(1.0)})
CLICKS = replace(LIKES, name="clicks", reason="and clicks", weights={"click": Weight(2.0)})


@pytest.fixture
def control(tmp_path: Path) -> Iterator[SqliteControlStore]:
    database = open_facts(tmp_path / "facts.db")
    yield SqliteControlStore(database, FakeClock(), 16)
    database.close()


@pytest.fixture
def objectives(control: SqliteControlStore) -> Objectives:
    return Objectives(control, FakeClock())


async def _set(objectives: Objectives, wanted: Objective) -> Current:
    return await objectives.set(wanted, await objectives.current())


# -- the store ---------------------------------------------------------------------------------------


async def test_what_a_new_installation_starts_with_is_version_1(objectives: Objectives) -> None:
    assert await objectives.current() == (ENGAGEMENT, 0)
    assert await objectives.history() == [ENGAGEMENT]


async def test_every_version_is_kept(objectives: Objectives) -> None:
    for wanted in (LIKES, CLICKS, LIKES):
        await _set(objectives, wanted)
    kept = await objectives.history()
    assert [one.label for one in kept] == ["engagement@1", "likes@2", "clicks@3", "likes@4"]
    assert [await objectives.version(number) for number in (1, 2, 3, 4)] == kept
    assert [one.author for one in kept] == ["rankfeed", "ada", "ada", "ada"]
    assert kept[1].set_at.endswith("Z")


@pytest.mark.parametrize("number", [0, 2, 99])
async def test_a_version_that_never_was_is_named(number: int, objectives: Objectives) -> None:
    with pytest.raises(ConfigurationError, match=f"no objective of version {number}: there are 1 to 1"):
        await objectives.version(number)


async def test_the_same_contents_are_no_new_version(objectives: Objectives) -> None:
    assert await _set(objectives, replace(ENGAGEMENT, reason="once more")) == (ENGAGEMENT, 0)
    made = await _set(objectives, LIKES)
    assert await _set(objectives, replace(LIKES, author="bob", reason="the same")) == made


async def test_of_two_who_change_the_same_one_only_the_first_does(objectives: Objectives) -> None:
    seen = await objectives.current()
    await objectives.set(LIKES, seen)
    with pytest.raises(ConfigurationError, match=r"set first, likes@2 by ada \(try likes\)"):
        await objectives.set(CLICKS, seen)
    assert [one.label for one in await objectives.history()] == ["engagement@1", "likes@2"]


async def test_a_success_whose_answer_got_lost_is_one(
    control: SqliteControlStore, objectives: Objectives
) -> None:
    class Forgetful(SqliteControlStore):
        async def compare_and_set(self, key: str, value: bytes, *, expected: int) -> bool:
            await control.compare_and_set(key, value, expected=expected)
            return False

    forgetful = Objectives(Forgetful(control._database, FakeClock(), 16), FakeClock())
    made = await forgetful.set(LIKES, await objectives.current())
    assert made.objective.label == "likes@2"
    assert await objectives.current() == made


async def test_a_row_of_newer_code_is_left_to_it(control: SqliteControlStore, objectives: Objectives) -> None:
    assert await control.compare_and_set(KEY, b'{"objective": 2}', expected=0)
    with pytest.raises(UnknownVersion, match=r"its format is 2; .* Run the rankfeed that set it"):
        await objectives.current()


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b'{"objective": 1}', b"\xff", b"[" * 10_000])
def test_what_is_no_objective_is_corrupt(raw: bytes) -> None:
    with pytest.raises(Corrupt, match="not an objective"):
        decode_objective(raw)
    with pytest.raises(ConfigurationError, match="objective: "):
        read_draft(raw)


def test_a_document_of_newer_code_is_said_to_be_so() -> None:
    newer = msgspec.json.encode({"objective": 2, "goals": []})
    with pytest.raises(UnknownVersion, match="its format is 2; this code knows 1"):
        decode_objective(newer)
    with pytest.raises(ConfigurationError, match="its format is 2; this code knows 1"):
        read_draft(newer)


def test_a_draft_is_what_it_says_but_not_who_said_it() -> None:
    kept = replace(PRESETS["satisfaction"], version=7, author="ada", reason="why", set_at="then")
    assert read_draft(encode_objective(kept)) == replace(kept, version=0, author="", reason="", set_at="")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"objective": 1, "weights": {}}', "missing required field `name`"),
        (b'{"objective": 1, "name": "x", "weights": {"a": {"w": "1"}}}', "Expected `float`.*weights"),
        (b'{"objective": 1, "name": "x", "weights": {"a": {"w": 1, "W": 2}}}', "unknown field `W`"),
        (b'{"objective": 1, "name": "x", "weights": {"a": {"w": NaN}}}', "invalid character"),
    ],
)
def test_what_is_wrong_with_a_draft_is_named(raw: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_draft(raw)


# -- a process that follows --------------------------------------------------------------------------


class Process:
    def __init__(self, control: SqliteControlStore) -> None:
        self.model: FakeModel | None = FakeModel(oldest_best)
        self.slot = ObjectiveSlot(control, lambda: self.model)

    async def report(self) -> ProcessReport:
        await self.slot.poll()
        return self.slot.told(ProcessReport(1, "api", 1, None, None, None, 0))


async def test_a_process_goes_by_what_was_set(control: SqliteControlStore, objectives: Objectives) -> None:
    process = Process(control)
    assert (await process.report()).objective == "engagement@1"
    made = await _set(objectives, CLICKS)
    report = await process.report()
    assert (report.objective, report.objective_row, report.objective_refused) == ("clicks@2", made.row, None)
    assert process.slot.current() == made.objective


async def test_what_does_not_fit_the_model_waits_for_one_that_it_fits(
    control: SqliteControlStore, objectives: Objectives
) -> None:
    process = Process(control)
    await _set(objectives, CLICKS)
    await process.report()
    made = await _set(objectives, LIKES)
    report = await process.report()
    assert (report.objective, report.objective_row) == ("clicks@2", made.row)
    assert report.objective_refused is not None
    assert "weighs the head 'like'; the model has click" in report.objective_refused
    assert process.model is not None
    process.model.heads = ("click", "like")
    report = await process.report()
    assert (report.objective, report.objective_refused) == ("likes@3", None)


async def test_a_model_that_lacks_what_the_objective_weighs_is_ranked_by_clicks(
    control: SqliteControlStore, objectives: Objectives
) -> None:
    process = Process(control)
    assert process.model is not None
    process.model.heads = ("click", "like")
    await _set(objectives, LIKES)
    assert (await process.report()).objective == "likes@2"
    process.model.heads = ("click",)
    report = await process.report()
    assert report.objective == "engagement@1"
    assert "the model has click" in str(report.objective_refused)
    process.model.heads = ("click", "like")
    assert (await process.report()).objective == "likes@2"


async def test_without_a_model_it_is_taken_as_it_is(
    control: SqliteControlStore, objectives: Objectives
) -> None:
    process = Process(control)
    process.model = None
    await _set(objectives, LIKES)
    assert (await process.report()).objective == "likes@2"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"junk", "not an objective"),
        (b'{"objective": 2}', "its format is 2"),
        (encode_objective(replace(CLICKS, weights={"click": Weight(11.0)})), "weights.click.w is 11"),
    ],
)
async def test_a_row_that_cannot_be_used_leaves_the_one_before_in_force(
    raw: bytes, said: str, control: SqliteControlStore, objectives: Objectives
) -> None:
    process = Process(control)
    made = await _set(objectives, CLICKS)
    await process.report()
    assert await control.compare_and_set(KEY, raw, expected=made.row)
    report = await process.report()
    assert (report.objective, report.objective_row) == ("clicks@2", made.row + 1)
    assert said in str(report.objective_refused)
