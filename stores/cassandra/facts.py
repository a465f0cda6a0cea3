"""The tables behind an entry: idempotent upserts that the writer makes and the relay repeats."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from stores.cassandra.edges import (
    BLOCKS,
    FOLLOWS,
    LIKES,
    MUTES,
    EdgeKind,
    Standing,
    are_blocked,
    end_follow,
    has_changed,
    read_edge,
    was_ended,
    write_edge,
)
from stores.cassandra.entry import Entry
from stores.cassandra.fact import (
    AnswerKept,
    BlockWritten,
    EdgeFact,
    FollowEnd,
    FollowWritten,
    LikeWritten,
    MuteWritten,
    TweetDeleted,
    TweetWritten,
    UserChanged,
    UserWritten,
)
from stores.cassandra.session import CassandraSession
from stores.cassandra.tweet_rows import TweetRows
from stores.cassandra.user_rows import UserRows


class Effect(NamedTuple):
    """Whether an entry changed anything and so is told of; `overtaken` are later states of its edges."""

    changed: bool
    overtaken: tuple[Standing, ...] = ()


class Facts:
    """Makes an entry's effects on the tables. Repeating one, in any order, changes nothing more."""

    def __init__(self, session: CassandraSession, tweets: TweetRows) -> None:
        self._session = session
        self._tweets = tweets
        self._users = UserRows(session)

    async def apply(self, entry: Entry) -> Effect:
        """Raises Unavailable where something may be missing; the entry's row then stays."""
        match entry.fact:
            case TweetWritten(tweet):
                await self._tweets.write(tweet)
                return Effect(changed=True)
            case TweetDeleted(tweet, ver):
                await self._tweets.delete(tweet, ver)
                return Effect(changed=True)
            case UserWritten(user):
                return Effect(await self._users.create(user))
            case UserChanged(user_id, display_name, ver):
                return Effect(await self._users.change(user_id, display_name, ver))
            case FollowWritten() as follow:
                return await self._follow(follow)
            case BlockWritten() as block:
                return await self._block(block)
            case MuteWritten() | LikeWritten() as edge:
                return await self._edge(*edge_of(edge), edge)
            case AnswerKept():
                return Effect(changed=False)

    async def begun(self, entry: Entry) -> bool:
        """Whether it surely was committed: an effect of it stands, or nothing is left for it to change."""
        match entry.fact:
            case TweetWritten(tweet):
                return await self._tweets.is_written(tweet)
            case TweetDeleted(tweet):
                return tweet.tweet_id in await self._tweets.deletions([tweet.tweet_id])
            case UserWritten(user):
                return await self._users.find(user.user_id) is not None
            case UserChanged(user_id, _, ver):
                return await self._users.version(user_id) >= ver
            case AnswerKept():
                return True
            case _:
                return max(await read_edge(self._session, *edge_of(entry.fact))) >= entry.fact.ver

    async def _edge(self, kind: EdgeKind, a: int, b: int, edge: EdgeFact) -> Effect:
        await write_edge(self._session, kind, a, b, on=edge.on, ver=edge.ver)
        after = await read_edge(self._session, kind, a, b)
        changed = has_changed(edge.before, after, on=edge.on, ver=edge.ver)
        return Effect(changed, (Standing(kind, a, b, after),) if max(after) > edge.ver else ())

    async def _follow(self, follow: FollowWritten) -> Effect:
        pair = follow.follower, follow.followee
        effect = await self._edge(FOLLOWS, *pair, follow)
        state = effect.overtaken[0].state if effect.overtaken else None
        # Looked at after the follow was written, as a block looks for follows after it was: of two at
        # once, at least one sees the other.
        if follow.on and await are_blocked(self._session, *pair):
            state = await end_follow(self._session, *pair)
        if state is not None and was_ended(state):
            return Effect(True, (Standing(FOLLOWS, *pair, state),))
        return effect

    async def _block(self, block: BlockWritten) -> Effect:
        effect = await self._edge(BLOCKS, block.user, block.other, block)
        await asyncio.gather(
            *(
                write_edge(self._session, FOLLOWS, end.follower, end.followee, on=False, ver=end.ver)
                for end in block.ends
            )
        )
        if not block.on:
            return effect
        pairs = ((block.user, block.other), (block.other, block.user))
        if effect.overtaken and not effect.overtaken[0].state.is_on:
            # Unblocked already; what an earlier try ended may still be untold.
            states = await asyncio.gather(*(read_edge(self._session, FOLLOWS, *pair) for pair in pairs))
        else:
            states = await asyncio.gather(*(end_follow(self._session, *pair) for pair in pairs))
        ended = tuple(
            Standing(FOLLOWS, *pair, state)
            for pair, state in zip(pairs, states, strict=True)
            if was_ended(state) and FollowEnd(*pair, state.off) not in block.ends
        )
        return Effect(effect.changed or bool(block.ends or ended), (*effect.overtaken, *ended))


def edge_of(fact: EdgeFact) -> tuple[EdgeKind, int, int]:
    """The edge that a fact sets or removes."""
    match fact:
        case FollowWritten():
            return FOLLOWS, fact.follower, fact.followee
        case BlockWritten():
            return BLOCKS, fact.user, fact.other
        case MuteWritten():
            return MUTES, fact.user, fact.other
        case LikeWritten():
            return LIKES, fact.user, fact.tweet
