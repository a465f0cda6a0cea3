"""Lanes merged by time: in order, all of it, however they were read; late ones counted."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from eventlog.envelope import decode_envelope
from eventlog.log import Entry, Offsets, TopicPartition, next_offsets
from eventlog.merged import LATE, MergedLog, MergedSubscription, WatermarkOptions
from eventlog.schema import VIEWS
from tests.unit.eventlog.lane_log import PUBLISHED_MS, LaneLog, entry, lane

SLACK_MS = 100
OPTIONS = WatermarkOptions(hold_s=0.1, slack_ms=SLACK_MS, idle_s=5.0, entries=1_000)
HOUR_MS = 3_600_000


def moment(one: Entry) -> tuple[int, int]:
    envelope = decode_envelope(one.value)
    return envelope.ts_ms, envelope.id


async def merged(
    log: LaneLog,
    *,
    start: Offsets | None = None,
    reached: Mapping[TopicPartition, int] | None = None,
    options: WatermarkOptions = OPTIONS,
) -> MergedSubscription:
    async def found() -> Mapping[TopicPartition, int]:
        return reached or {}

    return await MergedLog(log, found, options, log.now).subscribe("group", [VIEWS], start=start or {})


async def drained(subscription: MergedSubscription, max_entries: int = 1_000) -> list[Entry]:
    """Everything, poll by poll; each poll closes with its lanes' order."""
    found: list[Entry] = []
    while batch := await subscription.poll(max_entries=max_entries, timeout_s=1.0):
        found += batch
    return found


def lanes_of(seed: int, count: int, length: int, disorder_ms: int) -> list[list[Entry]]:
    dice = random.Random(seed)
    lanes = []
    for partition in range(count):
        times = sorted(dice.randrange(length * 40) for _ in range(length))
        at = [(ts + dice.randrange(disorder_ms + 1), partition * length + i) for i, ts in enumerate(times)]
        lanes.append([entry(partition, 10 * i, ts, id) for i, (ts, id) in enumerate(at)])
    return lanes


@given(
    seed=st.integers(0, 10_000),
    per_look=st.integers(1, 30),
    most=st.integers(1, 30),
    polls=st.lists(st.integers(0, 6), max_size=6),
)
async def test_the_order_is_that_of_time_however_it_is_read_and_wherever_it_goes_on(
    seed: int, per_look: int, most: int, polls: list[int]
) -> None:
    """Each number is of the polls until the next restart; a batch under way is then lost."""
    lanes = lanes_of(seed, 4, 25, SLACK_MS)
    log = LaneLog(*lanes, per_look=per_look)
    found: list[Entry] = []
    start: dict[TopicPartition, int] = {}
    reached: dict[TopicPartition, int] = {}
    for number in [*polls, None]:
        subscription = await merged(log, start=start, reached=reached)
        left = 10_000 if number is None else number
        while left and (batch := await subscription.poll(max_entries=most, timeout_s=1.0)):
            left -= 1
            found += batch
            start |= next_offsets(batch)
            for one in batch:
                tp = one.topic_partition
                reached[tp] = max(reached.get(tp, 0), moment(one)[0])
        # What is lost with the process, but for the offsets.
        await subscription.poll(max_entries=most, timeout_s=0.0)
    assert [moment(one) for one in found] == sorted(moment(one) for lane in lanes for one in lane)


@given(seed=st.integers(0, 10_000), per_look=st.integers(1, 30), most=st.integers(1, 60))
async def test_what_is_late_beyond_the_slack_has_the_same_place_however_it_is_read(
    seed: int, per_look: int, most: int
) -> None:
    lanes = lanes_of(seed, 3, 25, 10 * SLACK_MS)
    whole = await drained(await merged(LaneLog(*lanes, per_look=1_000)))
    assert await drained(await merged(LaneLog(*lanes, per_look=per_look)), most) == whole
    assert len(whole) == 75


async def test_no_entry_leaves_before_every_lane_that_is_behind_is_past_it() -> None:
    log = LaneLog([entry(0, 0, 5_000, 1)], [entry(1, 0, 1_000, 2), entry(1, 1, 9_000, 3)], per_look=1)
    log.hidden = {lane(1)}
    subscription = await merged(log)
    assert await subscription.poll(max_entries=9, timeout_s=2.0) == []
    assert await subscription.positions() == {lane(0): 0, lane(1): 0}
    log.hidden = set()
    assert [moment(one)[1] for one in await drained(subscription)] == [2, 1, 3]


async def test_a_lane_that_gives_nothing_is_not_waited_for_for_ever() -> None:
    log = LaneLog([entry(0, 0, 5_000, 1)], [entry(1, 0, 1_000, 2)])
    log.hidden = {lane(1)}
    subscription = await merged(log)
    while not (found := await subscription.poll(max_entries=9, timeout_s=0.5)):
        assert log.now_s < 6.0
    assert [moment(one)[1] for one in found] == [1]
    assert log.now_s > 5.0
    log.hidden = set()
    late = LATE.labels("group", VIEWS)._value.get()
    assert [moment(one)[1] for one in await drained(subscription)] == [2]
    assert LATE.labels("group", VIEWS)._value.get() == late + 1


async def test_what_arrives_beside_it_within_the_hold_is_in_order() -> None:
    log = LaneLog([entry(0, 0, 5_000, 1)], [])
    subscription = await merged(log)
    assert await subscription.poll(max_entries=9, timeout_s=0.05) == []
    log.lanes[1].append(entry(1, 0, 4_000, 2))
    assert [moment(one)[1] for one in await drained(subscription)] == [2, 1]
    assert log.now_s < 1.5


async def test_history_that_is_imported_beside_live_events_holds_nobody_up() -> None:
    live = [entry(0, i, PUBLISHED_MS + i, i) for i in range(50)]
    past = [entry(0, 50 + i, i, 100 + i) for i in range(50)]
    mixed = [
        one._replace(offset=i) for i, pair in enumerate(zip(live, past, strict=True)) for one in pair[:2]
    ]
    log = LaneLog([one._replace(offset=i) for i, one in enumerate(mixed)], per_look=4)
    found = await drained(await merged(log))
    assert [moment(one)[1] for one in found if moment(one)[1] < 100] == list(range(50))
    assert [moment(one)[1] for one in found if moment(one)[1] >= 100] == list(range(100, 150))


async def test_an_event_that_says_to_be_from_the_future_holds_nobody_up() -> None:
    tomorrow = PUBLISHED_MS + 24 * HOUR_MS
    log = LaneLog(
        [entry(0, 0, tomorrow, 1), entry(0, 1, PUBLISHED_MS + 5, 2, PUBLISHED_MS + 5)],
        [entry(1, 0, PUBLISHED_MS + 9, 3, PUBLISHED_MS + 9)],
    )
    assert [moment(one)[1] for one in await drained(await merged(log))] == [1, 2, 3]


async def test_lanes_that_are_ahead_are_left_alone_where_much_waits() -> None:
    ahead = [entry(0, i, 1_000_000 + i, i) for i in range(5_000)]
    slow = [entry(1, i, i * 200, 10_000 + i) for i in range(500)]
    log = LaneLog(ahead, slow, per_look=100)
    subscription = await merged(log)
    found: list[Entry] = []
    most = 0
    while batch := await subscription.poll(max_entries=100, timeout_s=1.0):
        found += batch
        most = max(most, len(subscription._waiting))
    assert [moment(one)[1] for one in found] == [*range(10_000, 10_500), *range(5_000)]
    assert most <= 1_000
    # No more while the other was read: by then half of what may wait does.
    assert sum(lane(0) in looked for looked in log.looks if lane(1) in looked) == 3


async def test_too_much_in_one_moment_leaves_before_its_time_rather_than_fill_the_memory() -> None:
    log = LaneLog([entry(0, i, 1_000, i) for i in range(5_000)], [entry(1, 0, 0, 9_999)], per_look=100)
    log.hidden = {lane(1)}
    subscription = await merged(log)
    found: list[Entry] = []
    while len(found) < 3_000:
        found += await subscription.poll(max_entries=100, timeout_s=1.0)
        assert len(subscription._waiting) <= 1_100
    assert [moment(one)[1] for one in found] == list(range(len(found)))


async def test_what_is_no_event_goes_with_its_lane() -> None:
    broken = Entry(VIEWS, 0, 1, 1, b"not an envelope", PUBLISHED_MS)
    log = LaneLog([entry(0, 0, 5_000, 1), broken, entry(0, 2, 6_000, 2)], [entry(1, 0, 4_000, 3)])
    found = await drained(await merged(log))
    assert sorted(one.offset for one in found if one.partition == 0) == [0, 1, 2]


async def test_a_poll_gives_of_each_lane_what_comes_next() -> None:
    """So the offsets behind it can be committed."""
    lanes = lanes_of(3, 4, 50, 10 * SLACK_MS)
    subscription = await merged(LaneLog(*lanes, per_look=7))
    at: dict[TopicPartition, int] = {}
    while batch := await subscription.poll(max_entries=5, timeout_s=1.0):
        for tp, next_ in next_offsets(batch).items():
            expected = [one for one in lanes[tp.partition] if at.get(tp, 0) <= one.offset < next_]
            given = sorted(one for one in batch if one.topic_partition == tp)
            assert given == expected
            at[tp] = next_
    assert sum(next_ for next_ in at.values()) == 4 * 491
