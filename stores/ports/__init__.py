"""What the product asks of its stores. Every adapter passes the same contract suite.

Promises shared by every port:

- A write that returned is durable: it survives the death of the process and, for facts, the
  loss of power.
- A write and its outbox records stand or fall together: what is written is told of, what is not is
  not. Records are published at least once, after the write can be read; where a process died or the
  log was away, seconds after it came back, and then not always in the order of the writes. Their
  events carry versions for that.
- A second identical write changes nothing; it may be told of again. Where a write answers whether it
  changed something, a later one answers that it did not, but of several at the very same time each
  may be told that it did. Where it refuses what is taken, it finds itself in the way.
- What carries a `ver` is written where that is the highest, whatever the order of the writes. A lower one
  that would make another state is answered `behind`: whoever writes what was newer once passes over it,
  whoever makes a change now writes it above that version (ADR 0044).
- `Unavailable` means that the outcome is not known: the write may still take place by itself, as a
  whole. Repeating the call is always safe.
- Reads see every write that returned before the read began.
- Every write of a user takes an `IdempotentAnswer` with it, as one: where the user's key was used
  before and has not expired, nothing is written and the first answer comes back, byte for byte; of
  several calls at once, one writes. A write that is refused by an error leaves its key unused.
"""

from __future__ import annotations

from stores.ports.control import ControlStore, MachineLease, Versioned
from stores.ports.engagements import Bucket, CountKind, Counts, EngagementStore
from stores.ports.graph import FollowCounts, Followees, FollowEnded, GraphStore, Hidden
from stores.ports.records import AnswerStore, IdempotentAnswer, Ids, OutboxRecord, Written
from stores.ports.tweets import Deletion, Posted, TweetStore
from stores.ports.users import UserStore

__all__ = [
    "AnswerStore",
    "Bucket",
    "ControlStore",
    "CountKind",
    "Counts",
    "Deletion",
    "EngagementStore",
    "FollowCounts",
    "FollowEnded",
    "Followees",
    "GraphStore",
    "Hidden",
    "IdempotentAnswer",
    "Ids",
    "MachineLease",
    "OutboxRecord",
    "Posted",
    "TweetStore",
    "UserStore",
    "Versioned",
    "Written",
]
