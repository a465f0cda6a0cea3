"""The newest tweets of many authors together, from partitions of an author and a month.

Of whom a month is read at all decides what it costs: 5,000 partitions, though most have nothing to give,
take the server a third of a second of its CPU. So many authors are not first asked in which months they
wrote: the newest month in which anybody did is read of all of them, and with it most questions end.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.ids import MAX_ID
from stores.cassandra.months import month_before, month_of
from stores.cassandra.session import CassandraSession, Statement
from stores.ports import Ids

AUTHORS_A_STATEMENT = 250
"""5,000 authors took 0.15 to 0.2 s by a hundred, and 0.85 to 1.3 s by point reads."""
_MONTHS_AT_ONCE = 6
_NONE_OLDER = 0
"""Behind an author's oldest month."""
_SPARE = 2
"""Rows read at first for each that is wanted, besides one an author."""
_DEEPER = 4
"""How many times as much of an author is read when all that was read of one is among the newest."""

_NEWEST_MONTH = Statement("SELECT yyyymm FROM ks.tweet_months WHERE part = 0 LIMIT 1")
_MONTHS = Statement(
    "SELECT author, yyyymm FROM ks.author_months WHERE author IN ? AND yyyymm <= ? PER PARTITION LIMIT ?"
)
_NEWEST = Statement(
    "SELECT author, tweet_id FROM ks.tweets_by_author WHERE author IN ? AND yyyymm = ? AND tweet_id <= ? "
    "PER PARTITION LIMIT ?"
)


class NewestIds:
    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def of(self, authors: Ids, before: int | None, limit: int) -> Ids:
        """As `TweetStore.newest_ids`."""
        bound = MAX_ID if before is None else before - 1
        everybody: list[int] = np.unique(authors).tolist()
        newest = np.empty(0, np.int64)
        last = month_of(bound)
        # Few are asked in one statement for all their months.
        for month in await self._common_months(last) if len(everybody) > AUTHORS_A_STATEMENT else ():
            newest = await self._with(newest, {month: everybody}, bound, limit)
            if _oldest_month(newest, limit) >= month:
                return newest
            last = month_before(month)
            if not len(newest):
                # Of an import of years ago, or a clock that was ahead: everybody would be read for nothing.
                break
        months = await self._months(everybody, last)
        while months:
            # Months that many authors share are read together, the newest of each author first.
            by_month: dict[int, list[int]] = defaultdict(list)
            for author, ahead in months.items():
                by_month[ahead[0]].append(author)
            newest = await self._with(newest, by_month, bound, limit)
            months = await self._following_months(months, _oldest_month(newest, limit))
        return newest

    async def _common_months(self, last: int) -> Iterator[int]:
        """The newest month in which anybody wrote and the one before it, up to the month `last`.

        In a month's first days most of the newest are in the one before. None where nobody has said in
        which months they wrote.
        """
        rows = await self._session.rows(_NEWEST_MONTH)
        return (month for (newest,) in rows for month in (newest, month_before(newest)) if month <= last)

    async def _with(self, newest: Ids, by_month: Mapping[int, list[int]], bound: int, limit: int) -> Ids:
        """`newest` and those of each author's month, the first `limit` of them all, newest first.

        A few of each author are read, then more of those whose few are all among the newest: the more there
        is to read of each, the fewer they are. So a call reads some times `limit` rows besides one an
        author, whoever writes how much.
        """
        month_of_author = {author: month for month, authors in by_month.items() for author in authors}
        most = min(limit, 1 - (-_SPARE * limit // len(month_of_author)))
        while True:
            rows = await self._read(by_month, bound, most)
            newest = np.union1d(newest, rows[:, 1])[::-1][:limit]
            floor = newest[-1] if len(newest) == limit else 0
            deeper: dict[int, list[int]] = defaultdict(list)
            for author in _all_above(rows, most, floor):
                deeper[month_of_author[author]].append(author)
            if not deeper or most == limit:
                return newest
            by_month, most = deeper, min(limit, _DEEPER * most)

    async def _read(self, by_month: Mapping[int, list[int]], bound: int, most: int) -> Ids:
        """(author, id) of the newest in each author's month: int64 [n, 2]."""
        results = await asyncio.gather(
            *(
                self._session.rows(_NEWEST, list(some), month, bound, most)
                for month, authors in by_month.items()
                for some in _chunks(authors)
            )
        )
        return np.array([row for rows in results for row in rows], np.int64).reshape(-1, 2)

    async def _months(self, authors: Sequence[int], last: int) -> dict[int, list[int]]:
        """The newest few months in which each author wrote, newest first, and whether these are all.

        Silent authors are absent.
        """
        results = await asyncio.gather(
            *(self._session.rows(_MONTHS, list(some), last, _MONTHS_AT_ONCE) for some in _chunks(authors))
        )
        months: dict[int, list[int]] = defaultdict(list)
        for rows in results:
            for author, month in rows:
                months[author].append(month)
        for found in months.values():
            if len(found) < _MONTHS_AT_ONCE:
                found.append(_NONE_OLDER)
        return dict(months)

    async def _following_months(self, months: dict[int, list[int]], oldest: int) -> dict[int, list[int]]:
        """What is left to read of each author, from the month `oldest` on."""
        left: dict[int, list[int]] = {}
        further: dict[int, list[int]] = defaultdict(list)
        for author, ahead in months.items():
            if ahead[0] <= oldest:
                continue
            if len(ahead) > 1:
                if ahead[1] >= max(oldest, _NONE_OLDER + 1):
                    left[author] = ahead[1:]
            else:
                further[month_before(ahead[0])].append(author)
        for found in await asyncio.gather(
            *(self._months(authors, last) for last, authors in further.items())
        ):
            left |= found
        return left


def _oldest_month(newest: Ids, limit: int) -> int:
    """The oldest month that can have any of the newest; 0 before there are enough of them."""
    return month_of(int(newest[-1])) if len(newest) == limit else 0


def _all_above(rows: Ids, most: int, floor: int) -> list[int]:
    """The authors with `most` rows, all of them above the floor."""
    rows = rows[rows[:, 1] > floor]
    authors, counts = np.unique(rows[:, 0], return_counts=True)
    found: list[int] = authors[counts == most].tolist()
    return found


def _chunks(authors: Sequence[int]) -> list[Sequence[int]]:
    return [authors[n : n + AUTHORS_A_STATEMENT] for n in range(0, len(authors), AUTHORS_A_STATEMENT)]
