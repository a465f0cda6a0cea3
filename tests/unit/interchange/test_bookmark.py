from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConfigurationError, Corrupt
from interchange.bookmark import ImportBookmark, Progress
from interchange.report import ImportReport, Refusal
from stores.sqlite import open_facts
from stores.sqlite_control import SqliteControlStore
from tests.fakes import FakeClock


@pytest.fixture
def control(tmp_path: Path) -> Iterator[SqliteControlStore]:
    database = open_facts(tmp_path / "facts.db")
    yield SqliteControlStore(database, FakeClock(), 16)
    database.close()


async def test_progress_reads_back(control: SqliteControlStore) -> None:
    bookmark = ImportBookmark(control, "d1")
    assert await bookmark.load() is None
    report = ImportReport(
        "d1", "s", 5, written={"users": 1}, refusals=[Refusal("users", "why", 1, ["row 1"])]
    )
    for progress in (Progress("s", 3), Progress("s", 3, activity=10), Progress("s", 3, report=report)):
        await bookmark.store(progress)
        assert await ImportBookmark(control, "d1").load() == progress
    assert await ImportBookmark(control, "d2").load() is None


async def test_of_two_imports_of_the_same_data_the_slower_is_refused(control: SqliteControlStore) -> None:
    first, second = ImportBookmark(control, "d1"), ImportBookmark(control, "d1")
    assert await first.load() is await second.load() is None
    await first.store(Progress("s", 3))
    with pytest.raises(ConfigurationError, match="another import of the same data is running"):
        await second.store(Progress("s", 3))


async def test_a_damaged_document_is_corrupt(control: SqliteControlStore) -> None:
    await control.compare_and_set("import/d1", b"{", expected=0)
    with pytest.raises(Corrupt, match="import/d1"):
        await ImportBookmark(control, "d1").load()
