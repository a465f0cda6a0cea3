"""The event of the state that stands, made from one of an earlier state."""

from __future__ import annotations

from eventlog.envelope import decode_envelope
from eventlog.schema import FollowSet, LikeSet, UserCreated, decode_event, record_of
from pipelines.standing import standing
from stores.cassandra.entry import EdgeVersions
from stores.ports import OutboxRecord

VER = 1_800_000_000_000_000_000


def test_it_carries_the_highest_version_and_the_state_of_that() -> None:
    like = LikeSet(1, 2, True, 3, b"request")
    older = record_of(like, id=VER, ts_ms=5, key=2)
    (record,) = standing([older], EdgeVersions(on=VER, off=VER + 1))
    envelope = decode_envelope(record.value)
    assert (record.topic, record.key, envelope.ver, envelope.id) == (older.topic, 2, VER + 1, VER + 1)
    assert decode_event(envelope) == LikeSet(1, 2, False, 3)


def test_it_says_what_its_own_writer_said() -> None:
    older = record_of(FollowSet(1, 2, False), id=VER, ts_ms=5, key=1)
    (record,) = standing([older], EdgeVersions(on=VER + 1, off=VER))
    envelope = decode_envelope(record.value)
    assert record_of(FollowSet(1, 2, True), id=VER + 1, ts_ms=envelope.ts_ms, key=1) == record


def test_what_is_no_edge_has_no_such_state() -> None:
    user = record_of(UserCreated(1, "ada", "Ada", 5), id=VER, ts_ms=5, key=1)
    assert standing([user, OutboxRecord("graph.v1", 1, b"foreign")], EdgeVersions(5, 6)) == []
