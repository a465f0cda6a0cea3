"""The newest of many authors: the truth, however it lies over months, at a cost that is bounded."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pytest

from core.ids import EPOCH_MS, TweetId, UserId, compose_id
from core.types import Tweet
from stores.cassandra.months import month_at, month_before, month_of
from stores.cassandra.newest_ids import AUTHORS_A_STATEMENT, NewestIds
from stores.cassandra.session import CassandraSession, Row, Statement
from stores.cassandra.tweet_rows import TweetRows
from tests.fakes import FakeClock

DAY_MS = 86_400_000
FIRST_MS = EPOCH_MS + 5_000 * DAY_MS
MANY = AUTHORS_A_STATEMENT + 1


class Tables:
    """What the statements read, and what was read: statements, partitions and rows by table."""

    def __init__(self, ids: Mapping[int, Iterable[int]], *, are_months_known: bool = True) -> None:
        self._partitions: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._months: dict[int, set[int]] = defaultdict(set)
        for author, its in ids.items():
            for id_ in sorted(its, reverse=True):
                self._partitions[author, month_of(id_)].append(id_)
                self._months[author].add(month_of(id_))
        self._newest = max((month_of(id_) for its in ids.values() for id_ in its), default=None)
        self._are_months_known = are_months_known
        self.statements: Counter[str] = Counter()
        self.partitions: Counter[str] = Counter()
        self.rows_read: Counter[str] = Counter()

    async def rows(self, statement: Statement, *parameters: Any) -> list[Row]:
        (table,) = re.findall(r"ks\.(\w+)", statement.cql)
        rows = list(getattr(self, f"_{table}")(*parameters))
        self.statements[table] += 1
        self.rows_read[table] += len(rows)
        return rows

    def _tweet_months(self) -> Iterable[Row]:
        return [(self._newest,)] if self._newest is not None and self._are_months_known else []

    def _author_months(self, authors: Sequence[int], last: int, most: int) -> Iterable[Row]:
        self.partitions["author_months"] += len(authors)
        for author in authors:
            months = sorted((month for month in self._months[author] if month <= last), reverse=True)
            yield from ((author, month) for month in months[:most])

    def _tweets_by_author(self, authors: Sequence[int], month: int, last: int, most: int) -> Iterable[Row]:
        self.partitions["tweets_by_author"] += len(authors)
        for author in authors:
            ids = [id_ for id_ in self._partitions[author, month] if id_ <= last]
            yield from ((author, id_) for id_ in ids[:most])


async def newest(tables: Tables, authors: Sequence[int], before: int | None, limit: int) -> list[int]:
    store = NewestIds(cast(CassandraSession, tables))
    ids = await store.of(np.array(authors, np.int64), before, limit)
    assert ids.dtype == np.int64
    found: list[int] = ids.tolist()
    return found


def truth(
    ids: Mapping[int, Iterable[int]], authors: Iterable[int], before: int | None, limit: int
) -> list[int]:
    wanted = (id_ for author in set(authors) for id_ in ids.get(author, ()))
    return sorted((id_ for id_ in wanted if before is None or id_ < before), reverse=True)[:limit]


def id_at(day: float, number: int) -> int:
    return compose_id(FIRST_MS + int(day * DAY_MS), 1, 1, number % 4096)


def a_world(randomness: random.Random) -> dict[int, list[int]]:
    """Authors who wrote much, little or nothing, some of them only long ago."""
    days = randomness.choice((1, 20, 70, 400))
    much = randomness.choice((1, 3, 40))
    ids: dict[int, list[int]] = {}
    number = 0
    for author in range(randomness.choice((1, 30, MANY + 40))):
        began = randomness.choice((0, 0, days / 2))
        ids[author] = []
        for _ in range(int(much * randomness.paretovariate(1.1)) % 200 - 1):
            number += 1
            ids[author].append(id_at(randomness.uniform(began, days), number))
    return ids


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("are_months_known", [True, False])
async def test_they_are_the_newest_of_all(seed: int, are_months_known: bool) -> None:
    randomness = random.Random(seed)
    ids = a_world(randomness)
    tables = Tables(ids, are_months_known=are_months_known)
    everything = [id_ for its in ids.values() for id_ in its]
    for limit in (1, 7, 100, 800):
        authors = [*ids, 10_000, *randomness.sample(sorted(ids), len(ids) // 3)]
        for before in (None, *randomness.sample(everything, min(3, len(everything))), id_at(-1, 0)):
            assert await newest(tables, authors, before, limit) == truth(ids, authors, before, limit)


async def test_a_cold_timeline_reads_each_author_once_and_asks_nobody_for_their_months() -> None:
    randomness = random.Random(1)
    authors = range(5_000)
    ids: dict[int, list[int]] = defaultdict(list)
    for number in range(15_000):
        ids[randomness.choice(authors)].append(id_at(37 * number / 15_000, number))
    tables = Tables(ids)
    await newest(tables, authors, None, 800)
    assert tables.statements["author_months"] == 0
    # All of them once, and once more those of whom all that was read is among the newest.
    assert tables.partitions["tweets_by_author"] < 5_000 + 400


async def test_in_the_first_days_of_a_month_the_one_before_is_read_as_well() -> None:
    first = next(day for day in range(40) if month_of(id_at(day, 0)) != month_of(id_at(day - 1, 0)))
    ids = {author: [id_at(first - 2 + author / 1_000, author)] for author in range(2_100)}
    tables = Tables(ids)
    assert await newest(tables, range(2_100), None, 800) == truth(ids, range(2_100), None, 800)
    assert tables.statements["author_months"] == 0
    assert tables.partitions["tweets_by_author"] == 2 * 2_100


async def test_one_tweet_of_a_clock_that_was_ahead_costs_one_look_more() -> None:
    ids = {author: [id_at(author / 1_000, author)] for author in range(2_000)}
    ids[5_000] = [id_at(1_000, 0)]
    tables = Tables(ids)
    assert await newest(tables, range(2_000), None, 800) == truth(ids, range(2_000), None, 800)
    assert tables.partitions["tweets_by_author"] <= 2 * 2_000


class Written:
    """What was written, by table."""

    def __init__(self) -> None:
        self.values: list[tuple[str, tuple[Any, ...]]] = []

    async def write(self, statement: Statement, *parameters: Any) -> None:
        (table,) = re.findall(r"ks\.(\w+)", statement.cql)
        self.values.append((table, parameters))

    def months(self) -> list[int]:
        return [parameters[0] for table, parameters in self.values if table == "tweet_months"]


async def test_a_past_that_is_imported_hides_nothing_that_was_written_since() -> None:
    """The newest month is told once, and is never one that is over."""
    clock, session = FakeClock(), Written()
    rows = TweetRows(cast(CassandraSession, session), clock)
    now_ms = clock.now_ms()
    for at_ms in (now_ms - 400 * DAY_MS, now_ms, now_ms - DAY_MS, now_ms + 40 * DAY_MS):
        id_ = compose_id(at_ms, 1, 1, 0)
        await rows.write(Tweet(TweetId(id_), UserId(1), "", at_ms))
    assert session.months() == [month_at(now_ms), month_at(now_ms + 40 * DAY_MS)]


async def test_what_is_read_is_bounded_whoever_writes_how_much() -> None:
    """A hundred of them wrote a thousand each, and all of the newest are by ten."""
    ids = {author: [id_at(author / 1_000, author)] for author in range(400, 2_000)}
    ids |= {author: [id_at(n / 100, author) for n in range(1_000)] for author in range(10, 100)}
    ids |= {author: [id_at(20 + n / 1_000, author) for n in range(1_000)] for author in range(10)}
    tables = Tables(ids)
    assert await newest(tables, range(2_000), None, 800) == truth(ids, range(2_000), None, 800)
    assert tables.rows_read["tweets_by_author"] < 2_000 + 8 * 800


async def test_few_are_asked_for_their_months_alone() -> None:
    """Months of silence are not read one after the other."""
    ids = {1: [id_at(day, 0) for day in (0, 1, 700)]}
    tables = Tables(ids)
    assert await newest(tables, [1], None, 10) == ids[1][::-1]
    assert tables.statements == {"author_months": 1, "tweets_by_author": 2}


async def test_many_months_are_asked_for_by_the_half_year() -> None:
    ids = {1: [id_at(31 * month, 0) for month in range(24)]}
    tables = Tables(ids)
    assert await newest(tables, [1], None, 30) == ids[1][::-1]
    assert tables.statements["author_months"] == 5


def test_the_month_before() -> None:
    assert [month_before(month) for month in (202612, 202602, 202601)] == [202611, 202601, 202512]
