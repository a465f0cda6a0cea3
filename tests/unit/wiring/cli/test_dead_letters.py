"""`rankfeed dlq` and `outbox` on a log that nobody else uses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eventlog.schema import GRAPH, DeadLetter, FollowSet, record_of
from stores.ports import OutboxRecord
from tests.unit.wiring.cli.log_home import LogHome, run

EVENT = record_of(FollowSet(7, 8, on=True), id=5, ts_ms=1, key=7)


def letter(id: int, error: str, raw: bytes = EVENT.value) -> OutboxRecord:
    return record_of(DeadLetter(GRAPH, 3, 9, "fanout", error, 5, raw), id=id, ts_ms=1_772_323_200_000, key=7)


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    home = LogHome(tmp_path)
    home.append([letter(101, "ValueError: no"), letter(102, "a\x1b[2J\n" + "b" * 200, raw=b"no event")])
    return home


def test_letters_are_listed_until_they_were_tried_again(home: LogHome) -> None:
    listed = home.run("dlq", "list")
    assert (listed.exit_code, listed.stderr) == (0, "")
    first, second = listed.stdout.splitlines()
    assert first.split() == [
        *("101", "2026-03-01T00:00:00Z", "fanout", f"{GRAPH}/3@9", "follow.set", "ValueError:", "no")
    ]
    assert "\x1b" not in second
    assert second.endswith("b…")
    redriven = home.run("dlq", "redrive", "101")
    assert (redriven.exit_code, redriven.stderr) == (0, "")
    assert "published once more: 1;" in redriven.stdout
    (waiting,) = home.run("dlq", "list").stdout.splitlines()
    assert waiting.startswith("102 ")
    former, _ = home.run("dlq", "list", "--all").stdout.splitlines()
    assert former.split()[5] == "redriven"
    (event,) = home.run("log", "tail", GRAPH, "--until-end").stdout.splitlines()
    assert json.loads(event)["id"] == "5"
    assert "published once more: 1;" in home.run("dlq", "redrive", "--all").stdout
    assert "no dead letters wait" in home.run("dlq", "list").stdout
    assert home.run("dlq", "list", "--json").stdout == ""
    assert "published once more: 0;" in home.run("dlq", "redrive", "--all").stdout


def test_a_letter_is_shown_with_its_event_and_its_cause(home: LogHome) -> None:
    shown = json.loads(home.run("dlq", "show", "101").stdout)
    assert shown == {
        "id": "101",
        "at": "2026-03-01T00:00:00Z",
        "group": "fanout",
        "topic": GRAPH,
        "partition": 3,
        "offset": 9,
        "key": "7",
        "attempts": 5,
        "error": "ValueError: no",
        "redriven": False,
        "event": {
            "type": "follow.set",
            "id": "5",
            "ver": "5",
            "ts_ms": 1,
            "region": "local",
            "trace": "",
            "data": {"a": 7, "b": 8, "on": True},
        },
    }
    lines = home.run("dlq", "list", "--json").stdout.splitlines()
    assert json.loads(lines[0]) == shown
    assert json.loads(lines[1])["event"]["raw"]


def test_what_is_no_letter_stops_a_redrive_before_it_begins(home: LogHome) -> None:
    said = "Error: there is no dead letter 4711; `rankfeed dlq list` shows those that there are\n"
    for command in (("show", "4711"), ("redrive", "101", "4711")):
        refused = home.run("dlq", *command)
        assert (refused.exit_code, refused.stdout, refused.stderr) == (1, "", said)
    assert home.run("log", "tail", GRAPH, "--until-end").stdout == ""
    assert home.run("dlq", "show", "x").exit_code == 2
    for named in ((), ("101", "--all")):
        unclear = home.run("dlq", "redrive", *named)
        assert unclear.exit_code == 2
        assert "--all" in unclear.stderr


@pytest.mark.parametrize("command", [("refused",), ("redrive", "--all")])
def test_the_embedded_stack_has_no_outbox_of_its_own(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run(tmp_path, "outbox", *command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rankfeed dlq list" in result.stderr


def test_a_redrive_of_writes_names_them(tmp_path: Path) -> None:
    assert run(tmp_path, "outbox", "redrive").exit_code == 2
