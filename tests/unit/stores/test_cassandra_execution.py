"""Of each page one answer counts, however many nodes were asked for it and in whatever order they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from cassandra.protocol import ReadFailureMessage

from core.errors import Unavailable
from stores.cassandra.session import CassandraSession, Row, Statement
from tests.unit.stores.fake_nodes import FakeNodes, page

STATEMENT = Statement("SELECT number FROM ks.numbers")
FAILURE = ReadFailureMessage(
    0x1300, "failed", {"consistency": 6, "required_responses": 2, "received_responses": 1, "failures": 1}
)


async def _asking(nodes: FakeNodes, session: CassandraSession) -> asyncio.Task[list[Row]]:
    """A statement that a node has been sent."""
    nodes.sent.clear()
    asking = asyncio.create_task(session.rows(STATEMENT))
    await nodes.sent.wait()
    return asking


def _numbers(rows: Sequence[Row]) -> list[int]:
    return [number for (number,) in rows]


async def test_a_page_that_comes_again_is_dropped() -> None:
    nodes = FakeNodes()
    asking = await _asking(nodes, nodes.session())
    nodes.speculate()
    assert [asked.node for asked in nodes.asked] == ["a", "b"]
    nodes.asked[1].reply(page(range(3), then=b"b"))
    nodes.asked[0].reply(page(range(3), then=b"a"))
    # The one page after it, from where the answer that counts ended.
    assert [asked.paging_state for asked in nodes.asked[2:]] == [b"b"]
    nodes.asked[2].reply(page(range(3, 5)))
    nodes.asked[0].reply(page(range(3), then=b"a"))
    assert _numbers(await asking) == list(range(5))
    assert len(nodes.asked) == 3


async def test_a_later_page_is_asked_of_another_node_too_and_counts_once() -> None:
    nodes = FakeNodes()
    asking = await _asking(nodes, nodes.session())
    nodes.asked[0].reply(page(range(3), then=b"a"))
    nodes.speculate()
    assert [asked.paging_state for asked in nodes.asked] == [None, b"a", b"a"]
    nodes.asked[2].reply(page(range(3, 5)))
    nodes.asked[1].reply(page(range(3, 5)))
    assert _numbers(await asking) == list(range(5))


async def test_what_was_handed_over_does_not_change() -> None:
    nodes = FakeNodes()
    asking = await _asking(nodes, nodes.session())
    nodes.speculate()
    nodes.asked[1].reply(page(range(3)))
    rows = await asking
    nodes.asked[0].reply(page(range(3)))
    assert _numbers(rows) == [0, 1, 2]


async def test_answers_at_one_wake_up_go_to_whom_they_belong() -> None:
    nodes = FakeNodes()
    session = nodes.session()
    asking = [await _asking(nodes, session) for _ in range(3)]
    for first, asked in enumerate(list(nodes.asked)):
        asked.reply(page(range(first, first + 2)))
    assert [_numbers(rows) for rows in await asyncio.gather(*asking)] == [[0, 1], [1, 2], [2, 3]]


async def test_a_late_failure_takes_nothing_back() -> None:
    nodes = FakeNodes()
    asking = await _asking(nodes, nodes.session())
    nodes.speculate()
    nodes.asked[1].reply(page(range(3), then=b"b"))
    nodes.asked[0].reply(FAILURE)
    nodes.asked[2].reply(page(range(3, 5)))
    nodes.asked[2].reply(FAILURE)
    assert _numbers(await asking) == list(range(5))


async def test_a_late_success_after_a_failure_is_none() -> None:
    nodes = FakeNodes()
    asking = await _asking(nodes, nodes.session())
    nodes.speculate()
    nodes.asked[1].reply(FAILURE)
    nodes.asked[0].reply(page(range(3), then=b"a"))
    with pytest.raises(Unavailable):
        await asking
    # Nobody waits for its other pages.
    assert len(nodes.asked) == 2


async def test_a_later_page_that_cannot_be_asked_for_is_said() -> None:
    nodes = FakeNodes()
    asking = await _asking(nodes, nodes.session())
    nodes.closed = True
    nodes.asked[0].reply(page(range(3), then=b"a"))
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="closed"):
            await asking
