"""What a user's key was first used for, claimed by a lightweight transaction before anything is written."""

from __future__ import annotations

from typing import NamedTuple

from core.clock import Clock
from stores.cassandra.entry import Entry, decode_entry, encode_entry
from stores.cassandra.session import CassandraSession, Statement
from stores.ports import IdempotentAnswer

_KEPT_LONGER_S = 3600
"""Rows outlive their expiry a little, so that it is the clock of the asker that decides it."""

_COLUMNS = "route, body_hash, answer, expires_ms, entry"
_READ = Statement(f"SELECT {_COLUMNS} FROM ks.idempotency WHERE user = ? AND key = ?")
_CLAIM = Statement(
    f"INSERT INTO ks.idempotency (user, key, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "IF NOT EXISTS USING TTL ?",
    conditional=True,
)
_TAKE_OVER = Statement(
    "UPDATE ks.idempotency USING TTL ? SET route = ?, body_hash = ?, answer = ?, expires_ms = ?, entry = ? "
    "WHERE user = ? AND key = ? IF entry = ?",
    conditional=True,
)
_GIVE_BACK = Statement("DELETE FROM ks.idempotency WHERE user = ? AND key = ? IF entry = ?", conditional=True)


class FirstUse(NamedTuple):
    """The answer that stands, and the write that it is the answer to."""

    answer: IdempotentAnswer
    entry: Entry


class Idempotency:
    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def first_use(self, user: int, key: str, now_ms: int) -> FirstUse | None:
        rows = await self._session.rows(_READ, user, key)
        if not rows or rows[0][3] <= now_ms:
            return None
        route, body_hash, answer, expires_ms, entry = rows[0]
        return FirstUse(IdempotentAnswer(key, route, body_hash, answer, expires_ms), decode_entry(entry))

    async def claim(self, user: int, mine: IdempotentAnswer, entry: Entry) -> FirstUse | None:
        """Makes the key stand for `entry`; the first use where it stands for another already."""
        raw = encode_entry(entry)
        values = (mine.route, mine.body_hash, mine.answer, mine.expires_ms, raw)
        ttl_s = max(1, -(-(mine.expires_ms - self._clock.now_ms()) // 1000)) + _KEPT_LONGER_S
        while True:
            outcome = await self._session.conditional(_CLAIM, user, mine.key, *values, ttl_s)
            row = outcome.row
            if outcome.applied or row["entry"] == raw:
                return None
            if row["entry"] is not None and row["expires_ms"] > self._clock.now_ms():
                first = IdempotentAnswer(
                    mine.key, row["route"], row["body_hash"], row["answer"], row["expires_ms"]
                )
                return FirstUse(first, decode_entry(row["entry"]))
            outcome = await self._session.conditional(
                _TAKE_OVER, ttl_s, *values, user, mine.key, row["entry"]
            )
            if outcome.applied or outcome.row.get("entry") == raw:
                return None

    async def give_back(self, entry: Entry, key: str) -> None:
        """Frees the key of a write that can never take place."""
        await self._session.conditional(_GIVE_BACK, entry.user, key, encode_entry(entry))
