"""`rankfeed log replay` on a log that nobody else uses, and on one whose consumers are still there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from eventlog.log import TopicPartition
from eventlog.schema import EDGES, GRAPH, TWEETS
from stores.ports import OutboxRecord
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog
from tests.unit.wiring.cli.log_home import LogHome, run
from wiring.cli.log_replay import GONE_S, replay_once_gone
from wiring.home import Home, StackState

REPLAY = ("log", "replay", "fanout", "--from")


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    """Both of fan-out's topics hold three entries of one key, which it has all had."""
    home = LogHome(tmp_path)
    home.append([OutboxRecord(topic, 7, b"%d" % number) for topic in (TWEETS, GRAPH) for number in range(3)])
    home.catch_up("fanout", [TWEETS, GRAPH])
    return home


def lags(table: str) -> dict[str, int]:
    return {line.split()[1]: int(line.split()[2]) for line in table.splitlines()[-2:] if "fanout" in line}


def test_a_group_begins_again_with_all_of_its_topics_or_with_one(home: LogHome) -> None:
    one = home.run(*REPLAY, "1h", "--topic", GRAPH, "--yes")
    assert (one.exit_code, one.stderr) == (0, "")
    assert lags(one.stdout) == {GRAPH: 3}
    assert lags(home.run("log", "lag", "fanout").stdout) == {TWEETS: 0, GRAPH: 3}
    assert lags(home.run(*REPLAY, "oldest", "--yes").stdout) == {TWEETS: 3, GRAPH: 3}


def test_entries_are_exact_and_have_to_be_there(home: LogHome) -> None:
    lines = home.run("log", "tail", GRAPH, "--until-end").stdout.splitlines()
    (partition,) = {int(line.split('"partition":')[1].split(",")[0]) for line in lines}
    _, second, third = (int(line.split('"offset":')[1].split(",")[0]) for line in lines)
    assert lags(home.run(*REPLAY, f"{GRAPH}/{partition}@{second}", "--yes").stdout) == {GRAPH: 2}
    assert lags(home.run(*REPLAY, f"{GRAPH}/{partition}@{third + 1}", "--yes").stdout) == {GRAPH: 0}
    behind = home.run(*REPLAY, f"{GRAPH}/{partition}@{third + 2}", "--yes")
    assert (behind.exit_code, behind.stderr) == (
        1,
        f"Error: {GRAPH}/{partition} ends at offset {third + 1}, before {third + 2}\n",
    )
    absent = home.run(*REPLAY, f"{GRAPH}/16@0", "--yes")
    assert (absent.exit_code, absent.stderr) == (1, f"Error: {GRAPH} has partitions 0 to 15; not 16\n")


def test_it_asks_unless_it_is_told_not_to(home: LogHome) -> None:
    no = home.run(*REPLAY, "oldest", answer="n\n")
    assert no.exit_code == 1
    assert "handles again what it has had since then" in no.stdout
    assert lags(home.run("log", "lag", "fanout").stdout) == {TWEETS: 0, GRAPH: 0}
    assert home.run(*REPLAY, "oldest").exit_code == 1
    yes = home.run(*REPLAY, "oldest", answer="y\n")
    assert yes.exit_code == 0
    assert lags(yes.stdout) == {TWEETS: 3, GRAPH: 3}


def test_a_topic_that_the_group_does_not_read_is_refused(home: LogHome) -> None:
    for options in (("1h", "--topic", EDGES), (f"{EDGES}/0@0",)):
        refused = home.run(*REPLAY, *options, "--yes")
        assert refused.exit_code == 2
        assert f"fanout reads {TWEETS}, {GRAPH}; not '{EDGES}'" in refused.stderr
    both = home.run(*REPLAY, f"{GRAPH}/0@0", "--topic", GRAPH, "--yes")
    assert both.exit_code == 2
    assert "leave out --topic" in both.stderr


def test_groups_with_offsets_of_their_own_are_told_what_to_do_instead(tmp_path: Path) -> None:
    for group, kept in (("features", f"{tmp_path}/features.db*"), ("lake", f"{tmp_path}/lake")):
        refused = run(tmp_path, "log", "replay", group, "--from", "oldest", "--yes")
        assert refused.exit_code == 1
        assert f"stop the stack, move {kept} away, and start it" in refused.stderr


def test_a_running_stack_has_to_be_stopped_first(home: LogHome) -> None:
    stack = Home(home.root)
    with stack.only_stack():
        # It has begun to start and has said nothing yet.
        starting = home.run(*REPLAY, "oldest", "--yes")
        stack.write_state(StackState(1, "", "", ready=True))
        running = home.run(*REPLAY, "oldest", "--yes")
    assert (starting.exit_code, running.exit_code) == (1, 1)
    assert "a stack is already running" in starting.stderr
    assert f"the stack in {home.root} runs" in running.stderr
    assert lags(home.run("log", "lag", "fanout").stdout) == {TWEETS: 0, GRAPH: 0}


class Ticking(FakeClock):
    """Every look at it takes a second."""

    def monotonic_s(self) -> float:
        self.advance(1_000)
        return super().monotonic_s()


async def test_consumers_that_have_just_ended_are_waited_for() -> None:
    log = FakeLog(asyncio.Event())
    entry = log.publish(GRAPH, 7, b"1")
    log.committed[entry.topic_partition] = entry.offset + 1
    log.failing["reset"] = [ConfigurationError("group fanout has consumers that run")] * 3

    async def replayed() -> Mapping[str, int]:
        return await replay_once_gone(log, "fanout", [GRAPH], Ticking(), at_ms=0, look_every_s=0.0)

    assert await replayed() == {GRAPH: 1}
    assert log.committed == {TopicPartition(GRAPH, 0): entry.offset}
    log.failing["reset"] = [ConfigurationError("group fanout has consumers that run")] * int(2 * GONE_S)
    with pytest.raises(ConfigurationError, match="consumers that run"):
        await replayed()
    assert log.failing["reset"]
