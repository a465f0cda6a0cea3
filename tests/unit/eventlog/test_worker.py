"""The consume loop: what fails for ever is set aside, what fails for now is waited for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.errors import Corrupt, LeaseLost, Unavailable
from eventlog.envelope import addressed, decode_envelope, encode_envelope
from eventlog.log import Entry, Offsets, next_offsets
from eventlog.schema import EDGES, DeadLetter, LikeSet, decode_event, record_of
from eventlog.worker import Arrived, Worker, WorkerOptions
from tests.fakes import FakeClock
from tests.unit.eventlog.fake_log import FakeLog


class Recorder:
    """Notes the tweets of every batch that it made the effects of.

    `poison` tweets always fail, `stumbles` fail the next so many times; the next `away` calls find
    their neighbour away. More than `most` at once are too much for it.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.calls = 0
        self.poison: dict[int, Exception] = {}
        self.stumbles: dict[int, int] = {}
        self.away: list[Unavailable] = []
        self.most = 1_000_000
        self.stop_at: tuple[int, asyncio.Event] | None = None

    async def handle(self, batch: Sequence[Arrived]) -> None:
        self.calls += 1
        if self.stop_at is not None and self.calls == self.stop_at[0]:
            self.stop_at[1].set()
        if self.away:
            raise self.away.pop(0)
        if len(batch) > self.most:
            raise Unavailable("no answer within 250 ms")
        tweets = [one.event.tweet for one in batch if isinstance(one.event, LikeSet)]
        for tweet in tweets:
            if tweet in self.poison:
                raise self.poison[tweet]
            if self.stumbles.get(tweet, 0) > 0:
                self.stumbles[tweet] -= 1
                raise RuntimeError("not this time")
        self.batches.append(tweets)

    @property
    def tweets(self) -> list[int]:
        return list(itertools.chain.from_iterable(self.batches))


class Bench:
    """A worker on a fake log, with everything that it is given."""

    def __init__(self, *, batch: int = 100) -> None:
        self.stop = asyncio.Event()
        self.log = FakeLog(self.stop)
        self.handler = Recorder()
        self.clock = FakeClock()
        self.ids = itertools.count(1)
        self.options = WorkerOptions(
            group="testers", topics=(EDGES,), batch=batch, poll_s=0.0, backoff_s=(0.001, 0.001, 0.001)
        )
        self.mint_failures: list[LeaseLost] = []

    def mint(self) -> int:
        if self.mint_failures:
            raise self.mint_failures.pop()
        return next(self.ids)

    def likes(self, *tweets: int) -> list[Entry]:
        records = [record_of(LikeSet(1, tweet, on=True), id=tweet, ts_ms=1, key=tweet) for tweet in tweets]
        return [self.log.publish(EDGES, record.key, record.value) for record in records]

    async def run(self) -> None:
        worker = Worker(self.log, self.handler, self.clock, self.mint, self.options)
        async with asyncio.timeout(30):
            await worker.run(self.stop)
        assert all(subscription.closed for subscription in self.log.subscriptions)

    @property
    def letters(self) -> list[DeadLetter]:
        letters = [decode_event(decode_envelope(record.value)) for record in self.log.appended]
        return [letter for letter in letters if isinstance(letter, DeadLetter)]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_everything_is_handled_in_order_and_committed(bench: Bench) -> None:
    entries = bench.likes(1, 2, 3)
    await bench.run()
    assert bench.handler.batches == [[1, 2, 3]]
    assert bench.log.committed == next_offsets(entries)
    assert bench.letters == []


async def test_what_is_for_another_group_is_passed_over(bench: Bench) -> None:
    own, others = (record_of(LikeSet(1, n, on=True), id=n, ts_ms=1, key=n).value for n in (5, 6))
    bench.log.publish(EDGES, 5, addressed(own, "testers"))
    last = bench.log.publish(EDGES, 6, addressed(others, "lake"))
    await bench.run()
    assert bench.handler.batches == [[5]]
    assert bench.log.committed == next_offsets([last])
    assert bench.letters == []


async def test_a_handler_gets_the_event_with_its_envelope_and_entry(bench: Bench) -> None:
    class Keeper:
        arrived: Sequence[Arrived] = ()

        async def handle(self, batch: Sequence[Arrived]) -> None:
            self.arrived = batch

    keeper = Keeper()
    (entry,) = bench.likes(5)
    await Worker(bench.log, keeper, bench.clock, bench.mint, bench.options).run(bench.stop)
    (arrived,) = keeper.arrived
    assert arrived.entry == entry
    assert arrived.envelope.id == 5
    assert arrived.event == LikeSet(1, 5, on=True)


async def test_batches_are_no_larger_than_asked_for() -> None:
    bench = Bench(batch=2)
    bench.likes(1, 2, 3, 4, 5)
    await bench.run()
    assert bench.handler.batches == [[1, 2], [3, 4], [5]]
    assert bench.log.commits == 3


async def test_a_programming_error_on_one_event_sets_only_that_aside(bench: Bench) -> None:
    entries = bench.likes(1, 2, 3, 4)
    bench.handler.poison[3] = KeyError("bug")
    await bench.run()
    assert bench.handler.tweets == [1, 2, 4]
    (letter,) = bench.letters
    assert letter == DeadLetter(
        EDGES, 0, entries[2].offset, "testers", "KeyError: 'bug'", letter.attempts, entries[2].value
    )
    assert letter.attempts == len(bench.options.backoff_s)
    assert bench.log.appended[0].key == entries[2].key
    assert bench.log.committed == next_offsets(entries)


async def test_an_error_of_our_own_tree_is_named_by_its_message(bench: Bench) -> None:
    bench.likes(1, 2)
    bench.handler.poison[1] = Corrupt("the row does not decode")
    await bench.run()
    assert [letter.error for letter in bench.letters] == ["the row does not decode"]


async def test_poison_alone_in_its_batch_is_set_aside_once(bench: Bench) -> None:
    entries = bench.likes(1)
    bench.handler.poison[1] = ValueError("no")
    await bench.run()
    assert [letter.error for letter in bench.letters] == ["ValueError: no"]
    assert bench.log.committed == next_offsets(entries)


async def test_poison_between_others_of_its_key_lets_them_pass_in_order(bench: Bench) -> None:
    for tweet in (1, 2, 3):
        record = record_of(LikeSet(1, tweet, on=True), id=tweet, ts_ms=1, key=7)
        bench.log.publish(EDGES, 7, record.value)
    bench.handler.poison[2] = ValueError("no")
    await bench.run()
    assert bench.handler.tweets == [1, 3]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"junk", "not an event envelope"),
        (b"", "not an event envelope"),
        (b"\x91" * 100_000, "not an event envelope"),
        (encode_envelope(type="like.set", id=1, ts_ms=1, key=1, ver=1, data=b"\x80"), "like.set"),
        (
            encode_envelope(type="x", id=1, ts_ms=1, key=1, ver=1, data=b"\x80").replace(
                b"\xa1v\x01", b"\xa1v\x02"
            ),
            "envelope version 2",
        ),
    ],
    ids=["junk", "empty", "deep", "data", "newer"],
)
async def test_bytes_that_do_not_decode_are_set_aside_and_the_rest_goes_on(
    bench: Bench, raw: bytes, error: str
) -> None:
    first, *_ = bench.likes(1)
    damaged = bench.log.publish(EDGES, 9, raw)
    last, *_ = bench.likes(2)
    await bench.run()
    assert bench.handler.batches == [[1, 2]]
    (letter,) = bench.letters
    assert (letter.offset, letter.raw, letter.attempts) == (damaged.offset, raw, 1)
    assert error in letter.error
    assert bench.log.committed == next_offsets([first, damaged, last])


async def test_a_batch_of_nothing_but_junk_is_committed(bench: Bench) -> None:
    entry = bench.log.publish(EDGES, 9, b"junk")
    await bench.run()
    assert bench.handler.calls == 0
    assert bench.log.committed == next_offsets([entry])


async def test_a_type_that_is_not_known_is_skipped(bench: Bench) -> None:
    later = encode_envelope(type="poll.voted", id=1, ts_ms=1, key=1, ver=1, data=b"\xc0")
    bench.log.publish(EDGES, 1, later)
    entries = bench.likes(1)
    await bench.run()
    assert bench.handler.batches == [[1]]
    assert bench.letters == []
    assert bench.log.committed == next_offsets(entries)


async def test_a_neighbour_that_is_away_is_waited_for(bench: Bench) -> None:
    entries = bench.likes(1, 2)
    bench.handler.away = [Unavailable("away")] * 20
    await bench.run()
    # One first, and then as many as ever.
    assert bench.handler.batches == [[1], [2]]
    assert bench.letters == []
    assert bench.log.committed == next_offsets(entries)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 99])
async def test_what_is_too_much_at_once_is_handled_in_parts_and_in_order(bench: Bench, most: int) -> None:
    entries = bench.likes(*range(1, 101))
    bench.handler.most = most
    await bench.run()
    assert bench.handler.tweets == list(range(1, 101))
    assert max(map(len, bench.handler.batches)) <= most
    assert bench.letters == []
    assert bench.log.committed == next_offsets(entries)
    assert bench.log.commits == 1


async def test_a_neighbour_that_keeps_up_again_is_given_as_much_as_before(bench: Bench) -> None:
    bench.likes(*range(1, 101))
    bench.handler.away = [Unavailable("away")] * 3
    await bench.run()
    assert [len(batch) for batch in bench.handler.batches] == [12, 24, 48, 16]


async def test_poison_is_set_aside_alone_whatever_its_batch_was_cut_into(bench: Bench) -> None:
    bench.likes(*range(1, 41))
    bench.handler.most = 8
    bench.handler.poison[17] = ValueError("no")
    await bench.run()
    assert bench.handler.tweets == [one for one in range(1, 41) if one != 17]
    assert [letter.error for letter in bench.letters] == ["ValueError: no"]


async def test_an_error_that_passes_is_tried_again(bench: Bench) -> None:
    bench.likes(1, 2)
    bench.handler.stumbles[2] = 1
    await bench.run()
    assert bench.handler.batches == [[1, 2]]
    assert bench.letters == []


async def test_one_that_stumbles_longer_than_its_batch_is_tried_alone(bench: Bench) -> None:
    bench.likes(1, 2)
    bench.handler.stumbles[2] = 4
    await bench.run()
    assert bench.handler.batches == [[1], [2]]
    assert bench.letters == []


@pytest.mark.parametrize("method", ["poll", "commit"])
async def test_a_log_that_is_away_is_waited_for(bench: Bench, method: str) -> None:
    entries = bench.likes(1, 2)
    bench.log.failing[method] = [Unavailable("away")] * 3
    await bench.run()
    assert bench.handler.batches == [[1, 2]]
    assert bench.log.committed == next_offsets(entries)


async def test_a_dead_letter_is_not_lost_where_the_log_is_away(bench: Bench) -> None:
    entries = bench.likes(1, 2)
    bench.handler.poison[1] = ValueError("no")
    bench.log.failing["append"] = [Unavailable("away")] * 3
    await bench.run()
    assert len(bench.letters) == 1
    assert bench.log.committed == next_offsets(entries)


async def test_a_dead_letter_is_not_lost_where_no_id_can_be_minted(bench: Bench) -> None:
    entries = bench.likes(1, 2)
    bench.handler.poison[1] = ValueError("no")
    bench.mint_failures = [LeaseLost("not ours")]
    await bench.run()
    assert len(bench.letters) == 1
    assert bench.log.committed == next_offsets(entries)


async def test_a_log_that_is_away_at_the_start_is_waited_for(bench: Bench) -> None:
    bench.likes(1)
    bench.log.failing["subscribe"] = [Unavailable("away")] * 3
    await bench.run()
    assert bench.handler.batches == [[1]]


async def test_being_told_to_stop_finishes_and_commits_what_was_polled() -> None:
    bench = Bench(batch=2)
    first, second, *_ = bench.likes(1, 2, 3, 4)
    bench.handler.stop_at = (1, bench.stop)
    await bench.run()
    assert bench.handler.batches == [[1, 2]]
    assert bench.log.committed == next_offsets([first, second])
    assert bench.log.polled == [2]


async def test_being_told_to_stop_while_a_neighbour_is_away_commits_nothing(bench: Bench) -> None:
    bench.likes(1, 2)
    bench.handler.away = [Unavailable("away")] * 1_000_000
    bench.handler.stop_at = (3, bench.stop)
    await bench.run()
    assert bench.handler.batches == []
    assert bench.log.committed == {}
    assert bench.letters == []


async def test_being_told_to_stop_while_a_dead_letter_cannot_be_written_commits_nothing(
    bench: Bench,
) -> None:
    bench.likes(1)
    bench.handler.poison[1] = Corrupt("no")
    bench.handler.stop_at = (1, bench.stop)
    bench.log.failing["append"] = [Unavailable("away")] * 1_000_000
    await bench.run()
    assert bench.log.committed == {}


async def test_a_worker_that_starts_again_goes_on_after_the_last_commit(bench: Bench) -> None:
    bench.likes(1, 2)
    await bench.run()
    bench.stop.clear()
    bench.likes(3)
    await bench.run()
    assert bench.handler.batches == [[1, 2], [3]]


async def test_a_cancelled_worker_closes_its_subscription_and_commits_nothing(bench: Bench) -> None:
    class Stuck:
        entered = asyncio.Event()

        async def handle(self, batch: Sequence[Arrived]) -> None:
            self.entered.set()
            await asyncio.Event().wait()

    stuck = Stuck()
    bench.likes(1)
    running = asyncio.ensure_future(
        Worker(bench.log, stuck, bench.clock, bench.mint, bench.options).run(bench.stop)
    )
    await stuck.entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert bench.log.committed == {}
    assert bench.log.subscriptions[0].closed


class Kept:
    """Offsets that a handler keeps itself."""

    def __init__(self, offsets: Offsets) -> None:
        self.offsets = dict(offsets)
        self.away: list[Unavailable] = []
        self.rewound: list[Entry] = []

    async def load(self) -> Offsets:
        return dict(self.offsets)

    async def save(self, offsets: Offsets) -> None:
        if self.away:
            raise self.away.pop()
        self.offsets |= offsets

    async def rewind(self, first: Sequence[Entry]) -> None:
        self.rewound += first
        self.offsets |= {entry.topic_partition: entry.offset for entry in first}


async def test_a_handler_with_offsets_of_a_log_that_was_longer_is_taken_back_once(bench: Bench) -> None:
    first, *_, last = bench.likes(1, 2, 3)
    kept = Kept({first.topic_partition: 1_000})
    bench.options = replace(bench.options, batch=2)
    await Worker(bench.log, bench.handler, bench.clock, bench.mint, bench.options, kept).run(bench.stop)
    assert kept.rewound == [first]
    assert bench.handler.tweets == [1, 2, 3]
    assert kept.offsets == bench.log.committed == next_offsets([last])


async def test_a_handler_with_offsets_of_its_own_starts_at_them(bench: Bench) -> None:
    first, second, third = bench.likes(1, 2, 3)
    bench.log.committed = next_offsets([first, second, third])
    kept = Kept(next_offsets([first]))
    kept.away = [Unavailable("away")] * 3
    worker = Worker(bench.log, bench.handler, bench.clock, bench.mint, bench.options, kept)
    await worker.run(bench.stop)
    assert bench.handler.batches == [[2, 3]]
    assert kept.offsets == next_offsets([third])


async def test_offsets_of_ones_own_that_are_empty_mean_from_the_beginning(bench: Bench) -> None:
    entries = bench.likes(1, 2)
    bench.log.committed = next_offsets(entries)
    kept = Kept({})
    await Worker(bench.log, bench.handler, bench.clock, bench.mint, bench.options, kept).run(bench.stop)
    assert bench.handler.batches == [[1, 2]]


async def test_offsets_of_ones_own_that_cannot_be_saved_are_not_committed_to_the_log(bench: Bench) -> None:
    bench.likes(1)
    bench.handler.stop_at = (1, bench.stop)
    kept = Kept({})
    kept.away = [Unavailable("away")] * 1_000_000
    await Worker(bench.log, bench.handler, bench.clock, bench.mint, bench.options, kept).run(bench.stop)
    assert kept.offsets == {}
    assert bench.log.committed == {}
