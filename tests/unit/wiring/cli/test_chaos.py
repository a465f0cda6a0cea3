"""`rankfeed chaos` as it is typed: bounds, and stacks that it does not touch."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from core.clock import SystemClock
from core.errors import ConfigurationError
from stores.redis_assembly import open_redis
from stores.redis_options import RedisOptions
from wiring.chaos.allowed import may_be_disturbed
from wiring.chaos.faults import ALLOWED, SAID, Chaos
from wiring.cli import main
from wiring.environment import load_settings
from wiring.home import StackState

NOWHERE = RedisOptions("redis://127.0.0.1:1/0")


def run(home: Path, *arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["chaos", *arguments], env={"RANKFEED_HOME": str(home)})
    return ended.exit_code, ended.output


@pytest.mark.parametrize("wrong", ["0.5s", "0s", "5.1m", "301s", "6m"])
def test_a_fault_has_bounds(tmp_path: Path, wrong: str) -> None:
    code, said = run(tmp_path, "model", "--for", wrong)
    assert code == 2
    assert "1s to 5m" in said


@pytest.mark.parametrize("wrong", ["5", "-5s", "5h", "five", "", "1e1s", "\u0665s"])
def test_what_is_no_time_is_told(tmp_path: Path, wrong: str) -> None:
    code, said = run(tmp_path, "model", "--for", wrong)
    assert code == 2
    assert "5s or 2m" in said


def test_the_bounds_themselves_are_within_and_need_a_stack(tmp_path: Path) -> None:
    for fault, right in zip(SAID, ("1s", "300s", "5m", "1.5s"), strict=True):
        code, said = run(tmp_path, fault, "--for", right)
        assert code == 1
        assert "no stack is running" in said


def test_an_unknown_fault_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    code, said = run(tmp_path, "cassandra")
    assert code == 2
    for fault in SAID:
        assert fault in said


@pytest.mark.parametrize(
    ("variables", "allowed"),
    [
        ({}, True),
        ({"RANKFEED_API_HOST": "::1"}, True),
        ({"RANKFEED_API_HOST": "0.0.0.0"}, False),
        ({"RANKFEED_API_HOST": "feeds.example.org"}, False),
        ({"RANKFEED_API_HOST": "0.0.0.0", ALLOWED: "true"}, True),
        ({ALLOWED: "false"}, False),
    ],
)
def test_only_a_stack_that_nobody_else_can_reach_may_be_disturbed_unasked(
    variables: dict[str, str], allowed: bool
) -> None:
    assert may_be_disturbed(load_settings(variables)) is allowed


@pytest.mark.parametrize("settings", [{}, {ALLOWED: "false"}])
async def test_a_stack_that_does_not_allow_it_is_left_alone(settings: dict[str, str]) -> None:
    state = StackState(1, "", "", ready=True, settings=settings, own_redis=True)
    with pytest.raises(ConfigurationError, match=f"{ALLOWED}=true"):
        Chaos(state, open_redis(NOWHERE), NOWHERE, SystemClock())
