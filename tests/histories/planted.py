"""Bugs planted one by one, each in the mechanism that it is named after: histories must find them all.

Who reads the table learns what would go wrong without each mechanism. What has to be done to see it
stands in `directed`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from core.ids import UserId
from eventlog.log import next_offsets
from eventlog.worker import Worker
from fanout.followers import FollowerPages
from feed_api import versions
from feed_api.versions import Moment
from pipelines.recounts import Recounts
from ranking import filters, home_feed
from ranking.candidate import Hydrated
from ranking.one_a_root import OneARoot
from ranking.prepared import Answer, cut
from ranking.query import FeedPage, FeedPosition, FeedQuery
from stores.ports import Hidden, Ids, Written
from stores.redis_commands import Command, command
from stores.sqlite_graph import SqliteGraphStore
from stores.tombstones import Tombstones
from stores.tweet_cache import TweetCache
from timelines import layout, merge, relations, trim
from timelines.layout import TimelineList
from timelines.merge import TimelineMerge
from timelines.reader import Timeline


@contextmanager
def half_built_counts_as_complete() -> Iterator[None]:
    """A list whose builder died holds what was pushed since, and nothing of before."""
    parse = layout.parse_timeline

    def parsed(items: Sequence[bytes]) -> TimelineList:
        return parse([*items[:-1], layout.COMPLETE] if items[-1:] == [layout.BUILDING] else items)

    with patch("timelines.reader.parse_timeline", parsed):
        yield


def _script(module: Any, name: str, old: str, new: str) -> Any:
    source = getattr(module, name)
    assert old in source, f"{name} has changed"
    return patch.object(module, name, source.replace(old, new))


def trim_goes_by_arrival() -> Any:
    """What came late, or twice, takes the place of what is newer."""
    source = """
    local tail = redis.call('LINDEX', KEYS[1], -1)
    redis.call('LREM', KEYS[1], 0, '-1')
    redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)
    redis.call('LPUSH', KEYS[1], '-1')
    redis.call('RPUSH', KEYS[1], tail == '0' and '00' or tail)
    return 1
    """
    return patch.object(trim, "TRIM", type(trim.TRIM)(source))


def merge_drops_arrivals() -> Any:
    """What was pushed while the store was read is not in what was read."""
    return _script(
        merge, "_SWAP", "if token ~= '' then tail, floor", "if token ~= '' then ids = {} tail, floor"
    )


@contextmanager
def follow_brings_no_past() -> Iterator[None]:
    """A list goes on without what the new followee had tweeted before."""

    async def add_authors(self: TimelineMerge, viewer: UserId, authors: Ids) -> bool:
        return True

    with patch.object(TimelineMerge, "add_authors", add_authors):
        yield


def follow_takes_the_whole_list() -> Any:
    """The new followee's tweets push out what is newer."""
    return _script(
        merge, "_SWAP", "merged(ids, above(stored, floor))", "token == '' and stored or merged(ids, stored)"
    )


def late_readers_fill_the_cache() -> Any:
    """Followees read before an unfollow are kept after it."""
    return _script(relations, "_FILL", "if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end", "")


@contextmanager
def fills_go_over_tombstones() -> Iterator[None]:
    """What was read before a deletion is kept after it, for the seconds until the deletion is repeated."""

    def fill(self: TweetCache, key: bytes, value: bytes) -> Command:
        return command(b"SET", key, value, b"EX", 60)

    with patch.object(TweetCache, "_nx", fill):
        yield


@contextmanager
def commit_before_the_work() -> Iterator[None]:
    """A batch whose consumer died over it does not come again."""
    handle = Worker._handle
    subscriptions: dict[Worker, Any] = {}

    async def committed_first(self: Worker, batch: list[Any], stop: Any) -> None:
        committed = next_offsets([one.entry for one in batch])
        subscription = subscriptions[self]
        await self._until_available(lambda: subscription.commit(committed), stop)
        await handle(self, batch, stop)

    turn = Worker._turn

    async def turned(self: Worker, subscription: Any, stop: Any) -> None:
        subscriptions[self] = subscription
        await turn(self, subscription, stop)

    with patch.object(Worker, "_handle", committed_first), patch.object(Worker, "_turn", turned):
        yield


@contextmanager
def has_more_after_every_full_page() -> Iterator[None]:
    """The page says that more follows, and what follows is nothing that may be shown."""

    def always(query: FeedQuery, answer: Answer) -> FeedPage:
        page = cut(query, answer)
        if page.next_position is None and len(page.items) == query.limit:
            last = page.items[-1]
            return replace(page, next_position=FeedPosition("c", below=last.tweet.tweet_id))
        return page

    with patch.object(home_feed, "cut", always):
        yield


@contextmanager
def blocks_count_one_way() -> Iterator[None]:
    """Who blocks somebody is still shown to them."""
    hidden = SqliteGraphStore.hidden

    async def own(self: SqliteGraphStore, viewer: UserId) -> Hidden:
        found = await hidden(self, viewer)
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT other FROM blocks WHERE user = ? AND is_on = 1", (viewer,)
            ).fetchall()
        )
        return found._replace(blocked=np.array(sorted(row[0] for row in rows), np.int64))

    with patch.object(SqliteGraphStore, "hidden", own):
        yield


@contextmanager
def originals_authors_do_not_count() -> Iterator[None]:
    """Somebody who is muted is shown in others' retweets."""

    def by(users: Ids, candidates: Hydrated) -> NDArray[np.bool_]:
        return ~np.isin(candidates.authors, users)

    with patch.object(filters, "_neither_by_nor_of", by):
        yield


@contextmanager
def one_a_root_only_within_a_page() -> Iterator[None]:
    """A tweet comes again on a later page than its retweet."""

    async def nothing(self: OneARoot, candidates: Hydrated, above: int) -> set[int]:
        return set()

    with patch.object(OneARoot, "_shown_above", nothing):
        yield


@contextmanager
def the_unfollowed_are_not_filtered() -> Iterator[None]:
    """Lists are not swept: what was pushed before an unfollow stays in them."""

    def everything(self: object, candidates: Hydrated, timeline: Timeline) -> NDArray[np.bool_]:
        return np.ones(len(candidates), np.bool_)

    with patch.object(filters.NotFollowedFilter, "allowed", everything):
        yield


@contextmanager
def followers_are_kept_for_ever() -> Iterator[None]:
    """Fan-out goes on without whoever follows an author since it read the followers."""

    async def unchanged(self: FollowerPages, authors: object) -> None:
        return

    with patch.object(FollowerPages, "changed", unchanged):
        yield


@contextmanager
def counts_are_only_hinted_at() -> Iterator[None]:
    """A like whose process died before the hint is never counted."""

    def unmarked(self: Recounts, *arguments: object, **options: object) -> None:
        return

    with patch.object(Recounts, "mark", unmarked):
        yield


@contextmanager
def deletions_leave_the_caches_alone() -> Iterator[None]:
    """A body that is cached is shown, whatever became of its tweet."""

    async def nothing(self: Tombstones, tweet_ids: Sequence[int]) -> None:
        return

    with patch.object(Tombstones, "write", nothing):
        yield


@contextmanager
def changes_go_by_the_clock_alone() -> Iterator[None]:
    """What a process whose clock is ahead was told cannot be undone elsewhere, and the answer says it was."""

    async def once(mint: Callable[[], int], write: Callable[[Moment], Awaitable[Written]]) -> Any:
        moment = Moment(id := mint(), id)
        return await write(moment), moment

    with patch.object(versions, "change", once):
        yield
