"""An aggregate's rows lie in 16 buckets: none grows too large, and each can be counted by itself."""

from __future__ import annotations

from stores.partitioner import partition_of

BUCKETS = 16


def bucket_of(member: int) -> int:
    """Which of an aggregate's buckets a member lies in: who follows or likes; the reply, the retweet."""
    return partition_of(member, BUCKETS)
