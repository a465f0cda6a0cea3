"""The fault points: every step of the write path and of each consumer, on both stacks, in one table.

A step is a call to a port; on Cassandra, where one call of a port is a row of statements, each of those
is a point instead. Beside a point stands the how-manieth of its calls ends the process: by then others
are under way. Names are those of `watched`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.fault import Fault

Points = tuple[tuple[str, int], ...]

SIDES = ("before", "after")
TIMES = 20
"""How often `make torture` ends a process at each point; `make test` does it once."""

# Besides the store: the author's own list, whom one follows, what was served.
_BESIDE_THE_STORE: Points = (("redis.lpushx", 20), ("script.outdate", 2), ("log.append", 2))

EMBEDDED_WRITE_PATH: Points = (
    # POST /v1/tweets; its event is committed with it.
    ("answers.first", 20),
    ("users.get_many", 2),
    ("tweets.create", 20),
    # POST /v1/users, POST /v1/users/{id}/follow.
    ("users.create", 2),
    ("graph.set_follow", 2),
    *_BESIDE_THE_STORE,
)

DISTRIBUTED_WRITE_PATH: Points = (
    # POST /v1/tweets: the key's first use, the profile; the claim, the commit, the tables.
    ("idempotency.select", 20),
    ("users.select", 2),
    ("idempotency.insert", 20),
    ("outbox.insert", 20),
    ("tweets_by_id.insert", 20),
    ("tweets_by_author.insert", 20),
    ("author_months.insert", 1),
    ("tweet_months.insert", 1),
    # The writer's own publication, beside the answer.
    ("publication.append", 2),
    ("outbox.delete", 2),
    # POST /v1/users.
    ("handles.insert", 2),
    ("users.insert", 2),
    # POST /v1/users/{id}/follow: the edge is read before and after.
    ("following.select", 3),
    ("following.insert", 2),
    ("followers.insert", 2),
    *_BESIDE_THE_STORE,
)

# Besides the store: what is deleted, whom one does not see.
_BESIDE_ENGAGEMENT: Points = (("redis.tombstone", 2), ("redis.del", 2))

EMBEDDED_ENGAGEMENT: Points = (
    # Likes, replies and retweets: what they are about, and who may not; the answer of a second retweet.
    ("tweets.deletions", 5),
    ("graph.is_blocked", 5),
    ("engagements.has_liked", 2),
    ("engagements.set_like", 2),
    ("answers.keep", 2),
    # DELETE /v1/tweets/{id}, blocks, mutes, PATCH /v1/users/{id}.
    ("tweets.delete", 2),
    ("graph.set_block", 2),
    ("graph.set_mute", 2),
    ("users.change", 2),
    *_BESIDE_ENGAGEMENT,
)

DISTRIBUTED_ENGAGEMENT: Points = (
    # Likes, and who may: edges are read before and after, as above.
    ("blocks.select", 5),
    ("likes.select", 5),
    ("likes.insert", 2),
    ("likes_by_user.insert", 2),
    # Replies and retweets: an original is claimed first, and taken over where its retweet is deleted.
    ("replies.insert", 2),
    ("retweets_by_user.insert", 2),
    ("retweets_by_user.update", 2),
    ("retweets.insert", 2),
    # DELETE /v1/tweets/{id}; its cell is in the tweet's own row.
    ("tweets_by_id.select", 5),
    ("tweets_by_author.delete", 2),
    # Blocks, mutes, PATCH /v1/users/{id}.
    ("blocks.insert", 2),
    ("blocked_by.insert", 2),
    ("mutes.insert", 2),
    ("users.update", 2),
    *_BESIDE_ENGAGEMENT,
)

FANOUT: Points = (
    ("fanout.poll", 2),
    ("graph.follower_page", 3),
    ("redis.lpushx", 2),
    # A follow: the cached followees are outdated, the author's tweets are merged into the list.
    ("script.outdate", 2),
    ("tweets.newest_ids", 2),
    ("script.swap", 2),
    ("fanout.commit", 2),
)

PREHEAT: Points = (("script.swap", 2),)
"""Of the round after a flush: a list is there, the next is half built. The lock of that one has to end by
itself, so the other calls are cut in process: tests/integration/test_preheat.py."""

FEATURES: Points = (
    ("features.poll", 1),
    ("features_file.find", 1),
    ("features_file.commit", 1),
    ("features_file.save", 1),
    # The first commit repeats what was told before the start.
    ("features.commit", 2),
    # The projection, beside it: what changes; and all rows at each start, like the offsets.
    ("packed_store.write", 2),
    ("packed_store.mark", 1),
    ("packed_store.complete", 1),
    ("features_file.load", 1),
    # The offline source, beside it as well; its every step is in OFFLINE_STEPS.
    ("offline.rename", 1),
)

OFFLINE_STEPS: Points = (
    ("offline.lock", 1),
    ("queue.start", 1),
    # What was read waits for the watermark, and goes with the process.
    ("features.poll", 1),
    ("features_file.find", 3),
    ("features_file.commit", 1),
    ("queue.waiting", 1),
    ("queue.progress", 1),
    # A file each view; the manifest follows them.
    ("offline.write_frame", 3),
    ("offline.sync_dirs", 1),
    ("offline.write_bytes", 1),
    ("offline.rename", 1),
    ("offline.sync_dirs", 2),
    ("offline.remove", 1),
    ("queue.forget", 1),
    # Asked of a source that has something.
    ("queue.is_behind", 1),
)

RECOVERY_STEPS: Points = (("queue.restore", 1),)
"""Of a start whose file was lost."""

LAKE: Points = (("lake.poll", 1), ("disk.write_frame", 2), ("disk.rename", 1), ("lake.commit", 2))
"""In a whole stack; the lake's every step is in LAKE_STEPS."""

LAKE_STEPS: Points = (
    ("disk.lock", 1),
    ("lake.poll", 1),
    ("disk.write_frame", 2),
    ("disk.remove", 1),
    ("disk.sync_dirs", 1),
    ("disk.write_bytes", 1),
    ("disk.rename", 1),
    # Of the manifest's directory, where the first one was of the files'.
    ("disk.sync_dirs", 2),
    ("lake.commit", 2),
)

COMPACTION_STEPS: Points = (
    # Of three commits, each a file; the fourth is made of two of them.
    ("disk.write_frame", 4),
    ("disk.rename", 4),
)
"""Of a writer that compacts after each commit; its every step: tests/unit/stores/test_lake_compaction.py."""

TWEET_STATE: Points = (
    ("tweet_state.poll", 1),
    ("engagements.recount", 1),
    ("engagements.counts", 1),
    ("counts_cache.renew", 1),
    ("tombstones.write", 1),
    # The first commit may be of events that make nothing dirty.
    ("tweet_state.commit", 2),
)
"""Counts and deletion, by what fans do."""

RELAY: Points = (
    # Whose turn it is, then the low mark.
    ("control.select", 1),
    ("control.select", 2),
    ("outbox.select", 1),
    ("tweets_by_id.insert", 1),
    ("publication.append", 1),
    ("outbox.delete", 1),
    # The turn is taken anew every two seconds, the low mark moves every ten.
    ("control.update", 1),
    ("control.update", 5),
)


def faults_of(role: str, *tables: Points, sides: Sequence[str] = SIDES) -> Iterator[Fault]:
    """Both sides of each point, in the order of the table."""
    for points in tables:
        for point, call in points:
            for side in sides:
                yield Fault(role, point, side, call)


EMBEDDED = (
    *faults_of("api", EMBEDDED_WRITE_PATH, EMBEDDED_ENGAGEMENT),
    *faults_of("fanout", FANOUT),
    *faults_of("pipelines", FEATURES, LAKE, TWEET_STATE),
)
DISTRIBUTED = (
    *faults_of("api", DISTRIBUTED_WRITE_PATH, DISTRIBUTED_ENGAGEMENT),
    *faults_of("fanout", FANOUT),
    *faults_of("pipelines", RELAY, FEATURES, LAKE, TWEET_STATE),
)

_OF_KAFKA = {
    *("fanout.poll", "fanout.commit", "graph.follower_page", "tweets.newest_ids"),
    *("features.poll", "features_file.commit", "features.commit"),
    *("lake.poll", "disk.rename", "lake.commit"),
    *("tweet_state.poll", "engagements.recount", "tweet_state.commit"),
}
# Before one step is, but for the first, after another.
_LEFT_OUT_ONCE = set(faults_of("api", EMBEDDED_ENGAGEMENT, DISTRIBUTED_ENGAGEMENT, sides=("before",)))

EMBEDDED_ONCE = tuple(fault for fault in EMBEDDED if fault not in _LEFT_OUT_ONCE)
DISTRIBUTED_ONCE = tuple(
    fault
    for fault in DISTRIBUTED
    if (fault.role == "api" and fault not in _LEFT_OUT_ONCE)
    or (fault in set(faults_of("pipelines", RELAY)) and fault.call < 5)
    or fault.point in _OF_KAFKA
)
"""What `make test` does: on the distributed stack what differs from the embedded one, where it hits the
consumers' other points: the log, the store, and the commits between them. A relay's fifth update comes
after ten seconds of its life, which torture has."""
