"""What imports declared stays beside the lake, and says how far their rows are complete."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import Corrupt
from core.ids import IMPORTER_DATACENTER, IMPORTER_MACHINE, compose_id
from stores.lake_imports import IMPORTED, complete_for, declare, declared_ms


def test_what_was_declared_is_read_in_order_and_again_changes_nothing(tmp_path: Path) -> None:
    assert declared_ms(tmp_path) == ()
    for digest, end_ms in (("bb", 20), ("aa", 10), ("bb", 20)):
        declare(tmp_path, digest, end_ms)
    assert declared_ms(tmp_path) == (10, 20)
    assert sorted(path.name for path in (tmp_path / "imports").iterdir()) == ["aa.json", "bb.json"]


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    declare(tmp_path, "aa", 10)
    (tmp_path / "imports" / "aa.json").write_bytes(b"{")
    with pytest.raises(Corrupt, match=r"aa\.json does not say .* Import the same data again"):
        declared_ms(tmp_path)


def test_an_event_is_as_complete_as_the_import_that_ends_first_after_it() -> None:
    frame = pl.DataFrame({"at": [5, 10, 11, 21]})
    ends = frame.select(end=complete_for((10, 20), pl.col("at")))["end"].to_list()
    assert ends == [10, 10, 20, None]
    assert frame.select(end=complete_for((), pl.col("at")))["end"].to_list() == [None]


def test_imported_events_are_told_by_their_ids() -> None:
    at_ms = 1_700_000_000_000
    nodes = [(IMPORTER_DATACENTER, IMPORTER_MACHINE), (0, 0), (IMPORTER_DATACENTER, 0)]
    ids = [compose_id(at_ms, datacenter, machine, 4_095) for datacenter, machine in nodes]
    assert pl.DataFrame({"event_id": ids}).select(IMPORTED).to_series().to_list() == [True, False, False]
