"""The lock: what was published stays readable, and new things are added at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigurationError
from features.schema import VIEWS, Field, View, ViewName
from features.schema_lock import LOCK_PATH, check_lock, read_lock, render_lock, write_lock

NEW_FIELD = Field("quote_2d", "sum", "like", 172_800)


def with_view(view: View) -> dict[ViewName, View]:
    return {**VIEWS, view.name: view}


def test_the_lock_in_the_tree_is_that_of_the_code() -> None:
    lock = read_lock()
    check_lock(lock)
    assert LOCK_PATH.read_text() == render_lock(lock)


def test_a_new_field_at_the_end_takes_a_new_schema_id_and_the_old_one_stays_locked() -> None:
    grown = replace(VIEWS["t"], schema_id=90, fields=(*VIEWS["t"].fields, NEW_FIELD))
    lock = read_lock()
    with pytest.raises(ConfigurationError, match="schema id 90 of view t"):
        check_lock(lock, with_view(grown))
    rendered = render_lock(lock, with_view(grown))
    assert '"4": {' in rendered
    assert '"90": {' in rendered


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (replace(VIEWS["t"], fields=VIEWS["t"].fields[1:]), "field seen_2d of view t"),
        (replace(VIEWS["t"], fields=VIEWS["t"].fields[:-1]), f"field {VIEWS['t'].fields[-1].name} of view t"),
        (replace(VIEWS["t"], fields=VIEWS["t"].fields[::-1]), "field seen_2d of view t"),
        (
            replace(VIEWS["t"], schema_id=90, fields=(NEW_FIELD, *VIEWS["t"].fields)),
            "field seen_2d of view t",
        ),
        (replace(VIEWS["t"], fields=(*VIEWS["t"].fields, NEW_FIELD)), "view t has new fields"),
        (replace(VIEWS["t"], ttl_s=1), "view t has another entity or ttl"),
        (replace(VIEWS["t"], schema_id=0), "is older"),
        (
            replace(
                VIEWS["t"], fields=(replace(VIEWS["t"].fields[0], half_life_s=9), *VIEWS["t"].fields[1:])
            ),
            "field seen_2d of view t",
        ),
    ],
    ids=["first removed", "last removed", "reordered", "inserted", "same id", "ttl", "older id", "half-life"],
)
def test_what_would_make_published_rows_unreadable_is_refused_and_named(view: View, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        render_lock(read_lock(), with_view(view))


def test_other_inputs_than_those_locked_are_refused_until_they_are_meant() -> None:
    with pytest.raises(ConfigurationError, match="has to be trained again"):
        check_lock(read_lock(), inputs="0" * 64)


def test_the_lock_is_written_with_what_the_code_adds(tmp_path: Path) -> None:
    path = tmp_path / "schema.lock.json"
    published = msgspec.json.Decoder().decode(LOCK_PATH.read_bytes())
    today = {str(view.schema_id) for view in VIEWS.values()}
    older = {id_: schema for id_, schema in published["schemas"].items() if id_ not in today}
    of_before = {"lock": 1, "schemas": older}
    path.write_bytes(msgspec.json.encode(of_before))
    write_lock(path)
    assert path.read_text() == LOCK_PATH.read_text()
    view = published["schemas"][str(VIEWS["t"].schema_id)]
    view["fields"][0], view["fields"][1] = view["fields"][1], view["fields"][0]
    path.write_bytes(msgspec.json.encode(published))
    with pytest.raises(ConfigurationError, match="may not be removed, moved or changed"):
        write_lock(path)
    assert msgspec.json.Decoder().decode(path.read_bytes()) == published


def test_a_published_view_may_not_be_removed() -> None:
    rest: dict[ViewName, View] = {name: view for name, view in VIEWS.items() if name != "va"}
    with pytest.raises(ConfigurationError, match="view va was published"):
        check_lock(read_lock(), rest)


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"lock": 2, "schemas": {}}'])
def test_a_lock_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "schema.lock.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"schema\.lock\.json"):
        read_lock(path)
