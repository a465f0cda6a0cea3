"""How an author's tweets reach their followers: fan-out and the feed go by the same rule.

Entering another way takes effect for both sides at once; whoever leaves one behind keeps serving it
until no reader depends on it any more. Ids dedupe.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from core.ids import UserId


class Way(Enum):
    PUSH = "push"
    """Fan-out pushes each tweet into every follower's list that exists."""


class DeliveryRule(Protocol):
    def way_of(self, author: UserId) -> Way: ...


class PushAll:
    """Everybody's tweets are pushed."""

    def way_of(self, author: UserId) -> Way:
        return Way.PUSH
