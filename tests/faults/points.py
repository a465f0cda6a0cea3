"""The fault points: every step of the write path and of each consumer, on both stacks, in one table.

A step is a call to a port; on Cassandra, where one call of a port is a row of statements, each of those
is a point instead. Beside a point stands the how-manieth of its calls ends the process: by then others
are under way. Names are those of `watched`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.fault import Fault

Points = tuple[tuple[str, int], ...]

SIDES = ("before", "after")
TIMES = 20
"""How often `make torture` ends a process at each point; `make test` does it once."""

# Besides the store: the author's own list, the cached followees, what was served.
_BESIDE_THE_STORE: Points = (("redis.lpushx", 20), ("script.invalidate", 2), ("log.append", 2))

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

FANOUT: Points = (
    ("fanout.poll", 2),
    ("graph.follower_page", 3),
    ("redis.lpushx", 2),
    # A follow: forget the cached followees, merge the author's tweets into the list.
    ("script.invalidate", 2),
    ("tweets.newest_ids", 2),
    ("script.swap", 2),
    ("fanout.commit", 2),
)

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
)

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

TWEET_STATE: Points = (
    ("tweet_state.poll", 1),
    ("engagements.recount", 1),
    ("engagements.counts", 1),
    ("counts_cache.renew", 1),
    ("tombstones.write", 1),
    # The first commit may be of events that make nothing dirty.
    ("tweet_state.commit", 2),
)
"""Counts and deletion: by likes and deletions that `tests.e2e.test_state_kills` makes."""

RELAY: Points = (
    ("control.select", 1),
    ("outbox.select", 1),
    ("tweets_by_id.insert", 1),
    ("publication.append", 1),
    ("outbox.delete", 1),
    # The low mark moves every ten seconds.
    ("control.update", 1),
)


def faults_of(role: str, *tables: Points) -> Iterator[Fault]:
    """Both sides of each point, in the order of the table."""
    for points in tables:
        for point, call in points:
            for side in SIDES:
                yield Fault(role, point, side, call)


EMBEDDED = (
    *faults_of("api", EMBEDDED_WRITE_PATH),
    *faults_of("fanout", FANOUT),
    *faults_of("pipelines", FEATURES, LAKE),
)
DISTRIBUTED = (
    *faults_of("api", DISTRIBUTED_WRITE_PATH),
    *faults_of("fanout", FANOUT),
    *faults_of("pipelines", RELAY, FEATURES, LAKE),
)

_OF_KAFKA = {
    *("fanout.poll", "fanout.commit", "graph.follower_page", "tweets.newest_ids"),
    *("features.poll", "features_file.commit", "features.commit"),
    *("lake.poll", "disk.rename", "lake.commit"),
}
DISTRIBUTED_ONCE = tuple(
    fault
    for fault in DISTRIBUTED
    if fault.role == "api" or fault in set(faults_of("pipelines", RELAY)) or fault.point in _OF_KAFKA
)
"""What differs from the embedded stack, where `make test` hits the consumers' other points: the log, the
store, and the commits between them."""
