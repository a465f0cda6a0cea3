"""What Redis' answers mean for us: not now, not like this, or a bug of ours."""

from __future__ import annotations

from core.errors import Unavailable


class ResponseError(Exception):
    """What Redis answered instead: its own words, of one command. To go on with one is a bug of ours."""


# Answers that mean "not now": full, read-only, without its replicas, failing over, busy. From inside
# a script they come wrapped in another sentence, so they are looked for anywhere.
_NOT_NOW = (
    "OOM",
    "READONLY",
    "NOREPLICAS",
    "MISCONF",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "LOADING",
    "BUSY",
    "UNBLOCKED",
    "max number of clients",
)
# Answers that stay the same however often we ask, and what to do about each.
_REFUSALS = (
    ("WRONGPASS", "the user or the password in its URL is wrong"),
    ("invalid password", "the password in its URL is wrong"),
    ("called without any password", "it has no password: leave the one in its URL out"),
    ("NOAUTH", "it asks for a password: write it into the URL, redis://user:password@host"),
    ("NOPERM", "its user may not do this: give it the rights, `ACL SETUSER … ~* +@all`"),
    ("MOVED", "it is a node of a Redis Cluster, and is to be used as one"),
    ("CROSSSLOT", "it is a node of a Redis Cluster, and is to be used as one"),
    ("cluster support disabled", "it is not a node of a Redis Cluster, and is to be used as one Redis"),
    ("DB index is out of range", "it has no database of the number in its URL"),
)


class RedisRefused(Unavailable):
    """Redis answers, and not to us: the message says what to change. Waiting does not help."""


def translated(error: ResponseError, address: str) -> Exception:
    """The exception to raise for an answer: RedisRefused, Unavailable, or the error itself."""
    said = str(error)
    for word, advice in _REFUSALS:
        if word in said:
            return RedisRefused(f"redis at {address}: {advice} ({said})")
    return Unavailable(f"redis at {address}: {said}") if is_not_now(error) else error


def is_not_now(error: ResponseError) -> bool:
    """Whether an answer speaks of Redis' state, and not of the command."""
    return any(word in str(error) for word in _NOT_NOW)
