"""A replay comes to the same bits as the feed did, and notices whatever is otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from core.errors import ConfigurationError
from core.ids import uuid7
from eventlog.envelope import decode_envelope
from eventlog.schema import record_of
from pipelines.lake_rows import rows_of
from pipelines.lake_scored import frame_of, matrix_of
from ranking.objective import Objective, Weight
from stores.lake import LakeReader
from stores.lake_disk import LakeDisk
from stores.lake_store import Addition, LakeStore
from stores.lake_tables import SCHEMAS
from tests.unit.training.served_pages import NOW_MS, OBJECTIVE, REQUEST, served_page
from training.replay import Replayer
from training.replay_table import page_lines
from training.served_records import Recorded, lake_record, lake_records


@pytest.fixture
async def served(tmp_path: Path) -> Recorded:
    return await served_page(tmp_path, OBJECTIVE)


@pytest.fixture
def replayer(tmp_path: Path) -> Replayer:
    return _replayer(tmp_path, OBJECTIVE)


def _replayer(models: Path, objective: Objective) -> Replayer:
    return Replayer(lambda label: models / label.replace("@", "/"), {objective.label: objective})


def in_a_lake(root: Path, served: Recorded) -> LakeReader:
    """What the lake's consumer makes of the two events."""
    assert served.slate is not None
    envelopes = [
        decode_envelope(record_of(event, id=id, ts_ms=served.ts_ms, key=7).value)
        for id, event in ((11, served.served), (12, served.slate))
    ]
    frames = {
        "served": pl.DataFrame(rows_of(envelopes[0], served.served), SCHEMAS["served"], orient="row"),
        "scored": frame_of([matrix_of(envelopes[1], served.slate)]),
    }
    store = LakeStore.open(root, LakeDisk())
    store.commit(Addition(frames, {}, {}), NOW_MS)
    store.close()
    return LakeReader(root)


def test_what_was_served_comes_out_again(served: Recorded, replayer: Replayer) -> None:
    page = replayer.page(served)
    assert page.equal
    assert [item.tweet for item in page.items] == [str(item.tweet) for item in served.served.items]
    assert (len(page.items), page.unscored, page.slate) == (5, 0, 8)
    assert {item.source_factor for item in page.items} == {0.75}
    assert min(item.freshness for item in page.items) < 0.5
    assert {item.author_rank for item in page.items} > {0, 1}
    assert {item.seen for item in page.items} == {0.4, 1.0}
    assert [head.weight for head in page.items[0].heads] == [2.0, -1.0]
    for item in page.items:
        assert item.utility * item.freshness * item.source_factor * item.seen == item.score


async def test_scores_below_zero_come_out_again(tmp_path: Path) -> None:
    hiding = replace(OBJECTIVE, weights={"click": Weight(1.0), "hide": Weight(-3.0)})
    page = _replayer(tmp_path, hiding).page(await served_page(tmp_path, hiding))
    assert page.equal
    assert max(item.score for item in page.items) < 0
    assert max(item.diversity for item in page.items) > 1.0


def test_the_table_has_a_line_an_item(served: Recorded, replayer: Replayer) -> None:
    lines = list(page_lines(replayer.page(served)))
    assert lines[3].split()[:5] == ["place", "before", "tweet", "author", "source"]
    assert [line.split()[-1] for line in lines[4:9]] == ["equal"] * 5
    assert lines[-2:] == [
        "the whole slate of 8 comes out in the same order, with the same bits",
        "5 of 5 items have equal bits",
    ]


def _of_item(at: int, **changes: object) -> Callable[[Recorded], Recorded]:
    def changed(served: Recorded) -> Recorded:
        items = list(served.served.items)
        items[at] = replace(items[at], **changes)
        return Recorded(replace(served.served, items=items), served.ts_ms, served.slate)

    return changed


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (_of_item(2, heads=[0.5, 0.5]), "heads"),
        (_of_item(2, score=0.123), "score"),
        (_of_item(2, freshness=0.5), "freshness"),
        (_of_item(2, source_factor=0.5), "source_factor"),
        (_of_item(2, source="popular"), "source_factor"),
        (_of_item(2, seen=0.5), "seen"),
        (_of_item(2, diversity=0.3), "diversity"),
        (_of_item(2, author_rank=5), "diversity"),
    ],
)
def test_what_differs_is_named(
    changed: Callable[[Recorded], Recorded], named: str, served: Recorded, replayer: Replayer
) -> None:
    page = replayer.page(changed(served))
    assert not page.equal
    assert named in page.items[2].differs
    assert any("other" in line for line in page_lines(page))


def test_an_item_that_stands_before_a_better_one_is_found(served: Recorded, replayer: Replayer) -> None:
    items = served.served.items[::-1]
    page = replayer.page(Recorded(replace(served.served, items=items), served.ts_ms))
    assert [item.differs for item in page.items] == [[], *[["place"]] * 4]
    assert page.slate == 0


def test_a_slate_that_comes_out_otherwise_is_found(served: Recorded, replayer: Replayer) -> None:
    slate = served.slate
    assert slate is not None
    for named, wrong in (
        ("score", replace(slate, scores=b"\0" * len(slate.scores))),
        ("heads", replace(slate, heads=b"\0" * len(slate.heads))),
        ("places", replace(slate, places=b"\0" * len(slate.places))),
        ("multipliers", replace(slate, multipliers=b"\0" * len(slate.multipliers))),
        ("seen", replace(slate, seen=np.full(8, 0.5, "<f8").tobytes())),
        ("score", replace(slate, seen=b"")),
        ("places", replace(slate, authors=b"\1" * len(slate.authors))),
    ):
        page = replayer.page(Recorded(served.served, served.ts_ms, wrong))
        assert named in page.slate_differs
        assert not page.equal
        assert "the whole slate of 8 differs in" in "".join(page_lines(page))


def test_an_order_that_the_objective_does_not_make_is_found(served: Recorded, tmp_path: Path) -> None:
    page = _replayer(tmp_path, replace(OBJECTIVE, freshness=None, seen=None)).page(served)
    assert "order" in page.slate_differs
    assert any("place" in item.differs for item in page.items)


def test_other_features_than_those_served_are_said_to_be_so(served: Recorded, replayer: Replayer) -> None:
    rows = [np.frombuffer(item.features, "<f4") for item in served.served.items]
    features = np.stack(rows)
    assert replayer.page(served, features.copy()).equal
    features[3, 0] += 1.0
    assert [item.differs for item in replayer.page(served, features).items] == [[], [], [], ["features"], []]


def test_a_record_of_before_places_were_recorded_has_its_scores_again(
    served: Recorded, tmp_path: Path
) -> None:
    plain = replace(OBJECTIVE, freshness=None, source_factor={}, diversity=None)
    items = [
        replace(item, score=2.0 * item.heads[0] - item.heads[1], freshness=1.0, source_factor=1.0)
        for item in served.served.items
    ]
    # Nor was there a word of what had been looked at.
    items = [replace(item, seen=1.0, diversity=1.0, place_before=-1, author_rank=-1) for item in items]
    items.sort(key=lambda item: -(item.score or 0.0))
    old = Recorded(replace(served.served, items=items), served.ts_ms)
    assert _replayer(tmp_path, plain).page(old).equal


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_hash": "ab" * 32}, "scored on features abababababab; this code computes"),
        ({"model": "home@9"}, "the model home@9 that scored it is gone"),
        ({"objective": "mixed@5"}, "the objective mixed@5 that it was ranked by is gone"),
    ],
)
def test_what_is_gone_is_said(
    changes: dict[str, object], said: str, served: Recorded, replayer: Replayer
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replayer.page(Recorded(replace(served.served, **changes), NOW_MS))


def test_what_was_not_scored_is_said_with_its_reason(served: Recorded, replayer: Replayer) -> None:
    items = [replace(item, features=b"") for item in served.served.items]
    page = replace(
        served.served, items=items, algorithm="chronological", rung="chronological", reason="no_model"
    )
    with pytest.raises(ConfigurationError, match=r"in the order of time \(no_model\), rung chronological"):
        replayer.page(Recorded(page, NOW_MS))


def test_a_damaged_bundle_is_said(served: Recorded, replayer: Replayer, tmp_path: Path) -> None:
    graph = tmp_path / "home/1/model.onnx"
    graph.write_bytes(graph.read_bytes() + b"x")
    with pytest.raises(ConfigurationError, match=r"cannot be used: home@1: model.onnx is damaged"):
        replayer.page(served)


def test_the_lake_gives_the_records_back(served: Recorded, replayer: Replayer, tmp_path: Path) -> None:
    reader = in_a_lake(tmp_path / "lake", served)
    assert lake_record(reader, REQUEST) == served
    assert lake_record(reader, uuid7(NOW_MS, 6)) is None
    (one,) = lake_records(reader, from_ms=None, to_ms=None, most=10, seed=1)
    assert one == served
    assert replayer.page(one).equal
    assert lake_records(reader, from_ms=NOW_MS + 1, to_ms=None, most=10, seed=1) == []
