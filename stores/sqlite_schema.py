"""The tables of the embedded files. Statements are only ever appended; their count is the version."""

from __future__ import annotations

# The log's rows get their offset from one AUTOINCREMENT: SQLite admits one writer at a time, so the
# order of offsets is the order of commits and a reader never sees a gap fill up later. Offsets of a
# partition are therefore sparse, as Kafka's are. Each append begins at the time (stores/sqlite.py).
LOG = (
    """CREATE TABLE log (
        offset INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL, part INTEGER NOT NULL, key INTEGER NOT NULL,
        published_ms INTEGER NOT NULL, value BLOB NOT NULL)""",
    "CREATE INDEX log_by_topic ON log (topic, offset, part)",
    """CREATE TABLE offsets (
        grp TEXT NOT NULL, topic TEXT NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY (grp, topic, part)) WITHOUT ROWID""",
)

TELEMETRY = LOG

FACTS = (
    *LOG,
    """CREATE TABLE users (
        id INTEGER PRIMARY KEY, handle TEXT NOT NULL, handle_key TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL, created_ms INTEGER NOT NULL)""",
    """CREATE TABLE tweets (
        id INTEGER PRIMARY KEY, author INTEGER NOT NULL, text TEXT NOT NULL,
        created_ms INTEGER NOT NULL, reply_to INTEGER, retweet_of INTEGER)""",
    "CREATE INDEX tweets_by_author ON tweets (author, id)",
    """CREATE TABLE idempotency (
        user INTEGER NOT NULL, key TEXT NOT NULL, route TEXT NOT NULL, body_hash BLOB NOT NULL,
        answer BLOB NOT NULL, expires_ms INTEGER NOT NULL, PRIMARY KEY (user, key)) WITHOUT ROWID""",
    "CREATE INDEX idempotency_by_expiry ON idempotency (expires_ms)",
    """CREATE TABLE follows (
        follower INTEGER NOT NULL, followee INTEGER NOT NULL, is_on INTEGER NOT NULL, ver INTEGER NOT NULL,
        PRIMARY KEY (follower, followee)) WITHOUT ROWID""",
    "CREATE INDEX followers ON follows (followee, follower) WHERE is_on = 1",
    """CREATE TABLE likes (
        tweet INTEGER NOT NULL, user INTEGER NOT NULL, is_on INTEGER NOT NULL, ver INTEGER NOT NULL,
        PRIMARY KEY (tweet, user)) WITHOUT ROWID""",
    """CREATE TABLE control (
        key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE leases (
        datacenter INTEGER NOT NULL, machine INTEGER NOT NULL, owner TEXT NOT NULL,
        expires_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
        PRIMARY KEY (datacenter, machine)) WITHOUT ROWID""",
    """CREATE TABLE external_ids (
        namespace TEXT NOT NULL, external TEXT NOT NULL, id INTEGER NOT NULL,
        PRIMARY KEY (namespace, external)) WITHOUT ROWID""",
    "ALTER TABLE tweets ADD COLUMN deleted_ver INTEGER",
    # Only what is there: who walks an author's tweets meets no deleted one. The column is among them,
    # though it is always NULL, for else every row would be read to make sure of it.
    "CREATE INDEX live_tweets ON tweets (author, id, deleted_ver) WHERE deleted_ver IS NULL",
    "DROP INDEX tweets_by_author",
    # Counts, and an author's own retweet of an original. Not unique: files of before may hold two.
    """CREATE INDEX live_retweets ON tweets (retweet_of, author, deleted_ver)
        WHERE deleted_ver IS NULL AND retweet_of IS NOT NULL""",
    """CREATE INDEX live_replies ON tweets (reply_to, deleted_ver)
        WHERE deleted_ver IS NULL AND reply_to IS NOT NULL""",
    """CREATE TABLE blocks (
        user INTEGER NOT NULL, other INTEGER NOT NULL, is_on INTEGER NOT NULL, ver INTEGER NOT NULL,
        PRIMARY KEY (user, other)) WITHOUT ROWID""",
    "CREATE INDEX blocked_by ON blocks (other, user)",
    """CREATE TABLE mutes (
        user INTEGER NOT NULL, other INTEGER NOT NULL, is_on INTEGER NOT NULL, ver INTEGER NOT NULL,
        PRIMARY KEY (user, other)) WITHOUT ROWID""",
    "ALTER TABLE users ADD COLUMN ver INTEGER NOT NULL DEFAULT 0",
    # One row a user, of the last day only: nothing has to be cleared away.
    "CREATE TABLE last_seen (user INTEGER PRIMARY KEY, day INTEGER NOT NULL)",
    "CREATE INDEX last_seen_by_day ON last_seen (day, user)",
)
