"""The data directory: one stack at a time, private files, and no word of a stack that is gone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from wiring.home import Home, StackState, kept_private, write_private
from wiring.keys import load_jwks, stack_keys


def _state(pid: int, *, ready: bool = True) -> StackState:
    return StackState(pid, "http://127.0.0.1:1", "redis://127.0.0.1:2/0", ready)


def test_a_directory_is_held_by_one_stack(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.only_stack():
        home.write_state(_state(os.getpid()))
        with pytest.raises(ConfigurationError, match="already running"), Home(tmp_path).only_stack():
            pass
        assert home.state() == _state(os.getpid())
    assert home.state() is None
    with home.only_stack():
        pass


def test_a_directory_is_held_by_one_demo(tmp_path: Path) -> None:
    home = Home(tmp_path)
    # It starts the stack of that directory.
    with home.only_demo(), home.only_stack():
        second = Home(tmp_path).only_demo()
        with pytest.raises(ConfigurationError, match="another demo is under way"):
            second.__enter__()
    with home.only_demo():
        pass


def test_a_stack_that_was_killed_is_not_running(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    home.write_state(_state(ended.pid))
    assert home.state() is None
    with pytest.raises(ConfigurationError, match="rankfeed up"):
        home.require_state()


def test_what_a_killed_stack_left_behind_is_not_the_next_ones(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_state(_state(os.getpid()))
    with home.only_stack():
        assert home.state() is None


def test_a_stack_that_is_not_ready_is_not_to_be_used(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_state(_state(os.getpid(), ready=False))
    with pytest.raises(ConfigurationError, match="no stack is running"):
        home.require_state()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}'])
def test_a_state_that_cannot_be_read_is_none(content: bytes, tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_private(home.state_file, content)
    assert home.state() is None


def test_private_files_are_replaced_whole_and_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_private(path, b"first, and longer")
    write_private(path, b"second")
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_what_another_process_made_first_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"

    def make() -> bytes:
        assert kept_private(path, lambda: b"theirs") == b"theirs"
        return b"ours"

    assert kept_private(path, make) == b"theirs"
    assert kept_private(path, make) == b"theirs"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_keys_that_are_made_at_once_are_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def start(number: int) -> tuple[str, bytes, str]:
        together.wait()
        keys = stack_keys(Home(tmp_path))
        return keys.key_id, keys.secret, keys.redis_password

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(8)))) == 1


def test_keys_are_made_once(tmp_path: Path) -> None:
    first, again = stack_keys(Home(tmp_path)), stack_keys(Home(tmp_path))
    assert first.jwks == again.jwks
    assert (first.secret, first.redis_password) == (again.secret, again.redis_password)
    other = stack_keys(Home(tmp_path / "other"))
    assert other.key_id != first.key_id
    assert other.secret != first.secret
    # Nothing private is published.
    assert set(first.jwks["keys"][0]) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_a_key_set_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    with pytest.raises(ConfigurationError, match="RANKFEED_AUTH_JWKS"):
        load_jwks(file)
    file.write_text("{")
    with pytest.raises(ConfigurationError, match="RANKFEED_AUTH_JWKS"):
        load_jwks(file)


@pytest.mark.parametrize("secret", ["d", "k"])
def test_a_key_set_with_a_private_part_is_refused(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", secret: "AA"}]}))
    with pytest.raises(ConfigurationError, match="private key"):
        load_jwks(file)


def test_of_a_key_set_only_the_public_members_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "note": "internal"}]}))
    assert load_jwks(file) == {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}
