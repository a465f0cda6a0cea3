"""`rankfeed log tail` and `lag` on a log that nobody else uses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.clock import SystemClock
from eventlog.schema import GRAPH, TWEETS, VIEWS, FollowSet, UserCreated, record_of
from stores.ports import OutboxRecord
from tests.unit.wiring.cli.log_home import LogHome, run
from wiring.cli.log_arguments import TOPICS
from wiring.draining import GROUPS


def follow(number: int, key: int = 7) -> OutboxRecord:
    return record_of(FollowSet(key, number, on=True), id=number, ts_ms=SystemClock().now_ms(), key=key)


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    return LogHome(tmp_path)


def test_a_tail_is_bounded_and_narrowed_down(home: LogHome) -> None:
    user = record_of(UserCreated(9, "nine", "Nine", 1), id=9, ts_ms=1, key=9)
    home.append([follow(1), follow(2), follow(3, key=8), OutboxRecord(GRAPH, 7, b"no event"), user])

    def told(*options: str) -> list[str | None]:
        result = home.run("log", "tail", *options, "--until-end")
        assert (result.exit_code, result.stderr) == (0, "")
        return sorted(json.loads(line).get("id", "none") for line in result.stdout.splitlines())

    assert told(GRAPH) == ["1", "2", "3", "none"]
    assert told(GRAPH, "users.v1") == ["1", "2", "3", "9", "none"]
    assert told(GRAPH, "--key", "7") == ["1", "2", "none"]
    assert told(GRAPH, "--key", "7", "--type", "follow.set") == ["1", "2"]
    assert told(GRAPH, "--key", "7", "--limit", "1") == ["1"]
    assert told(GRAPH, "--since", "1h", "--limit", "9") == ["1", "2", "3", "none"]
    assert told(VIEWS) == []
    assert len(home.run("log", "tail", GRAPH, "--since", "1h", "--limit", "2").stdout.splitlines()) == 2


def test_a_type_that_this_version_does_not_know_is_looked_for_all_the_same(home: LogHome) -> None:
    result = home.run("log", "tail", TWEETS, "--until-end", "--type", "tweet.creatd")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "'tweet.creatd'" in result.stderr
    assert "tweet.created" in result.stderr


def test_lag_is_told_for_each_group(home: LogHome) -> None:
    home.append([follow(1), follow(2)])
    lines = [json.loads(line) for line in home.run("log", "lag", "--json").stdout.splitlines()]
    assert [(line["group"], line["topic"]) for line in lines] == [
        (group, topic) for group, topics in GROUPS.items() for topic in topics
    ]
    assert {line["lag"] for line in lines if line["topic"] == GRAPH} == {2}
    table = home.run("log", "lag", "fanout").stdout.splitlines()
    assert [line.split() for line in table] == [
        ["group", "topic", "lag"],
        ["fanout", TWEETS, "0"],
        ["fanout", GRAPH, "2"],
    ]


@pytest.mark.parametrize("command", ["tail", "lag", "replay"])
def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(tmp_path: Path, command: str) -> None:
    result = run(tmp_path, "log", command, "nobody")
    assert result.exit_code == 2
    assert all(name in result.stderr for name in (TOPICS if command == "tail" else GROUPS))


@pytest.mark.parametrize(
    "command",
    [
        ("log", "tail", TWEETS),
        ("log", "lag"),
        ("log", "replay", "fanout", "--from", "oldest", "--yes"),
        ("dlq", "list"),
        ("dlq", "show", "1"),
        ("dlq", "redrive", "--all"),
    ],
)
def test_a_directory_without_a_log_stays_as_it_is(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run(tmp_path / "elsewhere", *command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "RANKFEED_HOME" in result.stderr
    assert not (tmp_path / "elsewhere").exists()
