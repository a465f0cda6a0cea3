"""The event of the state that stands, made from one of an earlier state."""

from __future__ import annotations

from core.ids import id_time_ms
from eventlog.envelope import decode_envelope
from eventlog.schema import BlockSet, FollowSet, LikeSet, UserCreated, decode_event, record_of
from pipelines.standing import standing
from stores.cassandra.edges import BLOCKS, FOLLOWS, LIKES, REPLIES, Standing
from stores.cassandra.fact import EdgeVersions
from stores.ports import OutboxRecord

VER = 1_800_000_000_000_000_000


def test_it_carries_the_highest_version_and_the_state_of_that() -> None:
    like = LikeSet(1, 2, True, 3, b"request")
    older = record_of(like, id=VER, ts_ms=5, key=2)
    (record,) = standing([older], [Standing(LIKES, 1, 2, EdgeVersions(on=VER, off=VER + 1))])
    envelope = decode_envelope(record.value)
    assert (record.topic, record.key, envelope.ver, envelope.id) == (older.topic, 2, VER + 1, VER + 1)
    assert decode_event(envelope) == LikeSet(1, 2, False, 3)


def test_it_says_what_its_own_writer_said() -> None:
    older = record_of(FollowSet(1, 2, False), id=VER, ts_ms=5, key=1)
    (record,) = standing([older], [Standing(FOLLOWS, 1, 2, EdgeVersions(on=VER + 1, off=VER))])
    envelope = decode_envelope(record.value)
    assert record_of(FollowSet(1, 2, True), id=VER + 1, ts_ms=envelope.ts_ms, key=1) == record


def test_a_block_tells_of_a_follow_that_came_while_it_was_made() -> None:
    block = record_of(BlockSet(1, 2, True), id=VER, ts_ms=5, key=1)
    ended = Standing(FOLLOWS, 2, 1, EdgeVersions(on=VER + 7, off=VER + 8))
    (record,) = standing([block], [ended])
    assert record == record_of(FollowSet(2, 1, False), id=VER + 8, ts_ms=id_time_ms(VER + 8), key=2)
    unblocked = Standing(BLOCKS, 1, 2, EdgeVersions(on=VER, off=VER + 9))
    assert [decode_event(decode_envelope(one.value)) for one in standing([block], [unblocked, ended])] == [
        BlockSet(1, 2, False),
        FollowSet(2, 1, False),
    ]


def test_what_is_no_edge_has_no_such_state() -> None:
    user = record_of(UserCreated(1, "ada", "Ada", 5), id=VER, ts_ms=5, key=1)
    assert standing([user], [Standing(LIKES, 1, 2, EdgeVersions(5, 6))]) == []
    assert standing([user], [Standing(REPLIES, 1, 2, EdgeVersions(5, 6))]) == []


def test_an_entry_without_events_of_ours_tells_of_nothing() -> None:
    foreign = OutboxRecord("graph.v1", 1, b"foreign")
    assert standing([foreign], [Standing(FOLLOWS, 1, 2, EdgeVersions(5, 6))]) == []
