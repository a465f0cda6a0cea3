"""The real driver's requests over nodes that answer when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from cassandra.cluster import ResponseFuture
from cassandra.policies import ConstantSpeculativeExecutionPolicy
from cassandra.protocol import RESULT_KIND_ROWS, QueryMessage, ResultMessage
from cassandra.query import SimpleStatement, tuple_factory

from stores.cassandra.options import CassandraOptions
from stores.cassandra.session import CassandraSession

NODES = ("a", "b", "c")


class Asked(NamedTuple):
    """A request as a node has it; `reply` is called with its answer."""

    node: str
    paging_state: bytes | None
    reply: Callable[[object], None]


class FakeNodes:
    """The driver's session. A request goes to the next node at `speculate`, as after half a second."""

    keyspace = None

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.sent = asyncio.Event()
        self.closed = False
        self._timers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[ResponseFuture], None]] = []
        self._pools = {node: _Pool(self, node) for node in NODES}
        self.cluster = SimpleNamespace(connection_class=self)

    def session(self) -> CassandraSession:
        return CassandraSession(self, self, CassandraOptions())

    def add_request_init_listener(self, listener: Callable[[ResponseFuture], None]) -> None:
        self._listeners.append(listener)

    def prepare(self, cql: str) -> _Prepared:
        return _Prepared(cql)

    def execute_async(
        self, query: SimpleStatement, execution_profile: object, paging_state: bytes | None = None
    ) -> ResponseFuture:
        if self.closed:
            raise RuntimeError("this session is closed")
        response = ResponseFuture(
            self,
            QueryMessage(query.query_string, 6, paging_state=paging_state),
            query,
            12.0,
            row_factory=tuple_factory,
            load_balancer=SimpleNamespace(make_query_plan=lambda keyspace, query: list(NODES)),
            speculative_execution_plan=ConstantSpeculativeExecutionPolicy(0.5, 2).new_plan(None, None),
        )
        for listener in self._listeners:
            listener(response)
        response.send_request()
        return response

    def create_timer(self, delay_s: float, then: Callable[[], None]) -> SimpleNamespace:
        self._timers.append(then)
        return SimpleNamespace(cancel=lambda: None)

    def speculate(self) -> None:
        self._timers.pop()()


class _Prepared:
    def __init__(self, cql: str) -> None:
        self._cql = cql

    def bind(self, parameters: object) -> SimpleStatement:
        return SimpleStatement(self._cql, is_idempotent=True)


class _Pool:
    is_shutdown = False

    def __init__(self, nodes: FakeNodes, node: str) -> None:
        self._nodes = nodes
        self._node = node

    def borrow_connection(self, timeout: float) -> tuple[_Pool, int]:
        return self, len(self._nodes.asked)

    def return_connection(self, connection: object) -> None:
        pass

    def send_msg(self, message: Any, request_id: int, cb: Callable[[object], None], **codec: object) -> int:
        self._nodes.asked.append(Asked(self._node, message.paging_state, cb))
        self._nodes.sent.set()
        return 1


def page(numbers: range, then: bytes | None = None) -> ResultMessage:
    """A node's answer: a row a number, and the paging state of the page after it."""
    message = ResultMessage(RESULT_KIND_ROWS)
    message.column_names, message.column_types = ["number"], []
    message.parsed_rows, message.paging_state = [(number,) for number in numbers], then
    return message
