"""Ports: those that were asked for, or free ones; never somebody else's."""

from __future__ import annotations

import socket

import pytest

from core.errors import ConfigurationError
from wiring.servers.nodes import NodeState
from wiring.servers.ports import FIRST, LAST, answers, place, still_free


def _pair(first: int) -> list[NodeState]:
    return [NodeState(1, "127.0.0.1", {"client": first, "storage": first + 1})]


def _single(first: int) -> list[NodeState]:
    return [NodeState(1, "127.0.0.1", {"client": first})]


def test_without_a_wish_it_picks_below_what_systems_hand_out() -> None:
    (node,) = place(_pair, 0)
    assert FIRST <= node.ports["client"] <= LAST
    assert still_free([node])


def test_a_wish_that_is_taken_is_refused_with_the_address() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port} is in use by another program"):
            place(_single, port)
        assert not still_free(_single(port))
        assert answers("127.0.0.1", port)
    assert place(_single, port) == _single(port)
    assert not answers("127.0.0.1", port)


def test_an_address_that_this_machine_does_not_have_is_told_apart() -> None:
    # 192.0.2.0/24 is for documentation: nobody has it.
    with pytest.raises(ConfigurationError, match=r"no address 192\.0\.2\.1"):
        place(lambda first: [NodeState(1, "192.0.2.1", {"client": first})], 0)
