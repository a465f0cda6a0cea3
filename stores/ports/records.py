"""What goes with a write: its events, the answer that its key stands for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.ids import UserId

Ids = NDArray[np.int64]


class OutboxRecord(NamedTuple):
    """One event, already encoded, on its way to the log. `key` decides its partition and order."""

    topic: str
    key: int
    value: bytes


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """What a user's idempotency key was first used for, and the bytes that answered it."""

    key: str
    route: str
    body_hash: bytes
    answer: bytes
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: whether it changed anything, or what its key was first used for.

    `behind` is the version that stands, where the write's is not above it and would make another state:
    then nothing was written, and its key is unused. Who changes what stands has to be above it.
    """

    changed: bool
    first: IdempotentAnswer | None = None
    behind: int | None = None


class AnswerStore(Protocol):
    async def first(self, user: UserId, key: str, now_ms: int) -> IdempotentAnswer | None:
        """What the key was first used for. The write that it answers for is there.

        Where the first call died over it, this one finishes it; so it may raise Unavailable.
        """
        ...

    async def keep(self, user: UserId, answer: IdempotentAnswer) -> IdempotentAnswer | None:
        """Keeps an answer to which no write belongs; the first one where the key was used before."""
        ...
