"""Fans: they like, answer, repeat, take back, delete, block, mute and rename themselves, with retries.

Each does one thing after the other, every one under a key of its own, so what was acknowledged last is
what must be true afterwards, however often it had to be asked for.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.clock import SystemClock
from core.ids import TweetId, UserId
from stores.ports import Counts
from tests.e2e.live_stack import LiveStack
from tests.e2e.people import Person
from tests.e2e.stubborn import Stubborn
from tests.e2e.waiting import eventually
from wiring.resources import Stores, open_stores

IDLE_S = 0.01
Targets = Callable[[], Sequence[int]]
"""The tweets that may be acted on, oldest first; none of them is ever deleted."""


@dataclass(slots=True)
class Fan:
    """Somebody, and what of theirs stands: replies and retweets by the tweet that they are about.

    `changed` counts by tweet how often it was liked, answered, repeated, or not any more.
    """

    person: Person
    stranger: Person
    likes: set[int] = field(default_factory=set)
    changed: Counter[int] = field(default_factory=Counter)
    replies: dict[int, list[int]] = field(default_factory=dict)
    retweets: dict[int, int] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    edges: dict[str, bool] = field(default_factory=dict)
    name: str = ""
    target: int = 0

    @property
    def own(self) -> set[int]:
        """Their tweets that stand."""
        return {one for some in self.replies.values() for one in some} | set(self.retweets.values())


class Fans:
    """`line` is how they ask. Each has a stranger to block and to mute; nobody follows any of them."""

    def __init__(
        self, people: Sequence[Person], strangers: Sequence[Person], line: Stubborn, targets: Targets
    ) -> None:
        self.fans = [Fan(person, strangers[number % len(strangers)]) for number, person in enumerate(people)]
        self._line = line
        self._targets = targets
        # Each with how many cycles lie between two of it: some of what is done is undone at the end.
        self._steps: tuple[tuple[Callable[[Fan, str], Awaitable[None]], int], ...] = (
            (self._like, 1),
            (self._reply, 1),
            (self._retweet, 1),
            (self._block, 1),
            (self._mute, 1),
            (self._rename, 1),
            (self._unlike, 2),
            (self._delete_reply, 2),
            (self._delete_retweet, 1),
            (self._retweet, 2),
            (self._unblock, 2),
            (self._unmute, 2),
        )

    async def turn(self, number: int, count: int) -> None:
        """The next thing that a fan does."""
        fan = self.fans[number]
        cycle, step = divmod(count, len(self._steps))
        act, every = self._steps[step]
        if step == 0:
            targets = self._targets()
            fan.target = targets[-1 - number % min(len(targets), 8)] if targets else 0
        if fan.target and cycle % every == 0:
            await act(fan, f"f-{number}-{count}")
        else:
            await asyncio.sleep(IDLE_S)

    async def _like(self, fan: Fan, key: str) -> None:
        answer = await self._done(fan, key, 200, "POST", f"/v1/tweets/{fan.target}/like")
        assert answer.json()["likes"] >= 1
        fan.changed[fan.target] += fan.target not in fan.likes
        fan.likes.add(fan.target)

    async def _unlike(self, fan: Fan, key: str) -> None:
        await self._done(fan, key, 200, "DELETE", f"/v1/tweets/{fan.target}/like")
        fan.changed[fan.target] += fan.target in fan.likes
        fan.likes.discard(fan.target)

    async def _reply(self, fan: Fan, key: str) -> None:
        body = {"text": key, "reply_to_tweet_id": str(fan.target)}
        answer = await self._done(fan, key, 201, "POST", "/v1/tweets", json=body)
        fan.replies.setdefault(fan.target, []).append(int(answer.json()["tweet_id"]))
        fan.changed[fan.target] += 1

    async def _retweet(self, fan: Fan, key: str) -> None:
        body = {"retweet_of": str(fan.target)}
        first = await self._done(fan, key, 201, "POST", "/v1/tweets", json=body)
        # Under another key it is another request, with the same answer.
        second = await self._done(fan, f"{key}-again", 201, "POST", "/v1/tweets", json=body)
        assert second.content == first.content
        retweet = int(first.json()["tweet_id"])
        fan.changed[fan.target] += fan.target not in fan.retweets
        assert fan.retweets.setdefault(fan.target, retweet) == retweet

    async def _delete_reply(self, fan: Fan, key: str) -> None:
        await self._delete(fan, key, fan.replies[fan.target].pop())
        fan.changed[fan.target] += 1

    async def _delete_retweet(self, fan: Fan, key: str) -> None:
        await self._delete(fan, key, fan.retweets.pop(fan.target))
        fan.changed[fan.target] += 1

    async def _delete(self, fan: Fan, key: str, tweet_id: int) -> None:
        answer = await self._done(fan, key, 204, "DELETE", f"/v1/tweets/{tweet_id}")
        assert answer.content == b""
        fan.deleted.add(tweet_id)

    async def _block(self, fan: Fan, key: str) -> None:
        await self._set_edge(fan, key, "block", on=True)

    async def _unblock(self, fan: Fan, key: str) -> None:
        await self._set_edge(fan, key, "block", on=False)

    async def _mute(self, fan: Fan, key: str) -> None:
        await self._set_edge(fan, key, "mute", on=True)

    async def _unmute(self, fan: Fan, key: str) -> None:
        await self._set_edge(fan, key, "mute", on=False)

    async def _set_edge(self, fan: Fan, key: str, edge: str, *, on: bool) -> None:
        path = f"/v1/users/{fan.stranger.user_id}/{edge}"
        await self._done(fan, key, 200, "POST" if on else "DELETE", path)
        fan.edges[edge] = on

    async def _rename(self, fan: Fan, key: str) -> None:
        path = f"/v1/users/{fan.person.user_id}"
        await self._done(fan, key, 200, "PATCH", path, json={"display_name": key})
        fan.name = key

    async def _done(
        self, fan: Fan, key: str, status: int, method: str, path: str, **options: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        answer, _ = await self._line.ask(fan.person, method, path, headers=headers, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        return answer


async def check_fans(stack: LiveStack, fans: Fans) -> None:
    """Everything that was acknowledged last stands, in the store, in counts and over HTTP; nothing else."""
    clock = SystemClock()
    async with open_stores(stack.settings, stack.home, clock) as stores:
        for fan in fans.fans:
            await _check_fan(stores, fan)
        await _check_counts(stack, stores, fans)
    for fan in fans.fans:
        profile = await fan.person.call("GET", f"/v1/users/{fan.person.user_id}")
        assert not fan.name or profile.json()["display_name"] == fan.name
        assert await fan.person.feed_ids() == sorted(fan.own, reverse=True)


async def _check_fan(stores: Stores, fan: Fan) -> None:
    user, stranger = UserId(fan.person.user_id), fan.stranger.user_id
    hidden = await stores.graph.hidden(user)
    assert hidden.blocked.tolist() == ([stranger] if fan.edges.get("block") else [])
    assert hidden.muted.tolist() == ([stranger] if fan.edges.get("mute") else [])
    assert set(await stores.tweets.get_many(list(fan.own))) == fan.own
    assert set(await stores.tweets.deletions(list(fan.own | fan.deleted))) == fan.deleted
    for tweet_id in fan.likes:
        assert await stores.engagements.has_liked(user, TweetId(tweet_id))


async def _check_counts(stack: LiveStack, stores: Stores, fans: Fans) -> None:
    """Counted by the rows, by the store, and by Redis where it has it: all the same, in a while."""
    likes = Counter(tweet_id for fan in fans.fans for tweet_id in fan.likes)
    retweets = Counter(tweet_id for fan in fans.fans for tweet_id in fan.retweets)
    replies = Counter(tweet_id for fan in fans.fans for tweet_id, some in fan.replies.items() for _ in some)
    touched = sorted({*likes, *retweets, *replies})
    truth = {one: Counts(likes[one], retweets[one], replies[one]) for one in touched}

    async def counted() -> bool:
        stored = await stores.engagements.counts(touched)
        with stack.redis() as redis:
            cached = {one: redis.get(b"tc:%d" % one) for one in touched}
        shown = {one: Counts(*struct.unpack(">3I", raw[:12])) for one, raw in cached.items() if raw}
        return stored == truth and shown.items() <= truth.items()

    await eventually("counts are those of the rows", counted)
