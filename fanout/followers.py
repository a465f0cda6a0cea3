"""Followers as audiences, page by page; those of active authors are kept in memory, ready to be pushed to.

What is kept must not miss a follower: who follows an author gets in one merge what was there before, and
relies on fan-out for everything after. So each author has a token in Redis, `fr:{author}`: random, made
by whoever reads the followers and finds none, before reading; removed by whoever handles a follow or an
unfollow, before merging. What is kept is good as long as its token still stands there:

- A tweet that was committed before the merge read the store came with the merge.
- One committed after is handled after the token went. What was read under that token is not used, and
  a token made since was made after the follow was committed: who reads under it finds the follower.

A token that is lost (a flush, its expiry) is one more reading of the followers, for none is ever the same.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from prometheus_client import Counter, Gauge

from core.ids import UserId
from stores.ports import GraphStore, Ids
from stores.redis_client import RedisClient
from stores.redis_commands import command
from timelines.audience import Audience

PAGE = 5_000
AT_ONCE = 16
"""Authors whose followers are read side by side. Who has more than would fit so often into the room is
not kept: their followers are read page by page, each time."""
TOKEN_TTL_S = 24 * 3600

READ = Counter(
    "rankfeed_followers_read_total", "Authors whose followers fan-out needed, by where they were", ["origin"]
)
KEPT = Gauge("rankfeed_followers_kept_bytes", "Memory of the followers that fan-out keeps")


@dataclass(slots=True)
class Followers:
    """Of one author, who is among them: those read so far, and the id to go on behind; None at the end."""

    pages: list[Audience]
    after: int | None

    @property
    def size_bytes(self) -> int:
        return sum(page.size_bytes for page in self.pages)


class FollowerPages:
    """For one task at a time. `room_bytes` is what it may keep; 0 keeps nothing."""

    def __init__(self, redis: RedisClient, graph: GraphStore, room_bytes: int) -> None:
        self._redis = redis
        self._graph = graph
        self.room_bytes = room_bytes
        self._used_bytes = 0
        # By author, with the token that it was read under; the one used last stands last.
        self._kept: dict[int, tuple[bytes, Followers]] = {}

    async def begin(self, authors: Sequence[int]) -> dict[int, Followers]:
        """All followers of each author, or the first pages where they are many. At most AT_ONCE authors.

        Raises Unavailable.
        """
        tokens = await self._tokens(authors)
        found = {author: kept for author in authors if (kept := self._recall(author, tokens[author]))}
        missing = [author for author in authors if author not in found]
        READ.labels("memory").inc(len(found))
        READ.labels("store").inc(len(missing))
        for author, read in zip(missing, await asyncio.gather(*map(self._read, missing)), strict=True):
            found[author] = read
            self._keep(author, tokens[author], read)
        return found

    async def rest(self, author: int, followers: Followers) -> AsyncIterator[Audience]:
        """The pages behind the first ones, one at a time. Raises Unavailable."""
        after = followers.after
        while after is not None:
            page = await self._page(author, after)
            after = int(page[-1]) if len(page) else None
            if len(page):
                yield Audience(page)

    async def changed(self, authors: Iterable[int]) -> None:
        """Says to all processes that somebody follows these authors, or does not any more.

        A failover does not take it back. Raises Unavailable.
        """
        await self._redis.calls([command(b"DEL", token_key(author)) for author in authors], copied=True)

    async def _read(self, author: int) -> Followers:
        pages = [Audience(np.array([author], np.int64))]
        size, after = 0, 0
        while size <= self.room_bytes // AT_ONCE:
            page = await self._page(author, after)
            if not len(page):
                return Followers(pages, None)
            if not after:
                # The author is shown their own tweets, too; most have no second page.
                pages = [Audience(np.append(page, author))]
            else:
                pages.append(Audience(page))
            size, after = size + pages[-1].size_bytes, int(page[-1])
        return Followers(pages, after)

    async def _page(self, author: int, after: int) -> Ids:
        return await self._graph.follower_page(UserId(author), after=after, limit=PAGE)

    def _recall(self, author: int, token: bytes) -> Followers | None:
        kept = self._kept.pop(author, None)
        if kept is None:
            return None
        if kept[0] != token:
            self._used_bytes -= kept[1].size_bytes
            return None
        self._kept[author] = kept
        return kept[1]

    def _keep(self, author: int, token: bytes, followers: Followers) -> None:
        if followers.after is None and followers.size_bytes <= self.room_bytes:
            self._kept[author] = token, followers
            self._used_bytes += followers.size_bytes
        while self._used_bytes > self.room_bytes:
            oldest = next(iter(self._kept))
            self._used_bytes -= self._kept.pop(oldest)[1].size_bytes
        KEPT.set(self._used_bytes)

    async def _tokens(self, authors: Sequence[int]) -> dict[int, bytes]:
        """The token that stands for each author; one is made where there is none."""
        found = await self._redis.find([token_key(author) for author in authors])
        if found.failure is not None:
            raise found.failure
        tokens = {author: token for author, token in zip(authors, found.values, strict=True) if token}
        missing = [author for author in authors if author not in tokens]
        commands = []
        for key in map(token_key, missing):
            commands.append(command(b"SET", key, secrets.token_hex(6).encode(), b"NX", b"EX", TOKEN_TTL_S))
            commands.append(command(b"GET", key))
        # Somebody else may have been first, or it may be gone again: an empty one is nobody's.
        made = (await self._redis.calls(commands))[1::2]
        return tokens | {author: token or b"" for author, token in zip(missing, made, strict=True)}


def token_key(author: int) -> bytes:
    return b"fr:{%d}" % author
