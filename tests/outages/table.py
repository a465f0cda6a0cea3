"""What each route does when each part is away: the table of docs/degradation.md, cell by cell."""

from __future__ import annotations

AS_EVER = "as ever"
FROM_STORE = "from the store"
FOLLOWED_BEFORE = "followed before"
LAST_PAGE = "last page"
NOT_NOW = "503"
NOT_READY = "503, not ready"

PARTS = ("Redis hangs", "Redis gone", "Redis emptied", "store away", "log away", "Redis and store away")

_ALWAYS = (AS_EVER,) * len(PARTS)
_NEEDS_STORE = (AS_EVER, AS_EVER, AS_EVER, NOT_NOW, AS_EVER, NOT_NOW)
_NEEDS_LOG = (AS_EVER, AS_EVER, AS_EVER, AS_EVER, NOT_NOW, AS_EVER)
_CACHED = (AS_EVER, AS_EVER, AS_EVER, AS_EVER, AS_EVER, NOT_NOW)

ROWS: dict[str, tuple[str, ...]] = {
    "`GET /v1/feed`": (FROM_STORE, FROM_STORE, AS_EVER, AS_EVER, AS_EVER, LAST_PAGE),
    "`GET /v1/feed?algorithm=ranked`": (FROM_STORE, FROM_STORE, AS_EVER, AS_EVER, AS_EVER, LAST_PAGE),
    "`GET /v1/feed`, a viewer never served here": (
        FROM_STORE,
        FROM_STORE,
        AS_EVER,
        NOT_NOW,
        AS_EVER,
        NOT_NOW,
    ),
    "`GET /v1/feed`, just after a follow or its end": (
        FROM_STORE,
        FROM_STORE,
        AS_EVER,
        FOLLOWED_BEFORE,
        AS_EVER,
        LAST_PAGE,
    ),
    "`GET /v1/feed?cursor=…`": (FROM_STORE, FROM_STORE, AS_EVER, AS_EVER, AS_EVER, NOT_NOW),
    "`GET /v1/feed?refresh=1`": (FROM_STORE, FROM_STORE, AS_EVER, LAST_PAGE, AS_EVER, LAST_PAGE),
    "`GET /v1/tweets/{tweet_id}`": _CACHED,
    "`GET /v1/users/{user_id}`, read here before": _ALWAYS,
    "`GET /v1/users/{user_id}`, never read here": _NEEDS_STORE,
    "`GET /v1/users/{user_id}/tweets`": _NEEDS_STORE,
    "`POST /v1/tweets`": _NEEDS_STORE,
    "`POST /v1/tweets`, again with its key": _NEEDS_STORE,
    "`POST /v1/tweets`, a reply": _NEEDS_STORE,
    "`POST /v1/tweets`, a retweet": _NEEDS_STORE,
    "`DELETE /v1/tweets/{tweet_id}`": _NEEDS_STORE,
    "`POST /v1/tweets/{tweet_id}/like`": _NEEDS_STORE,
    "`DELETE /v1/tweets/{tweet_id}/like`": _NEEDS_STORE,
    "`POST /v1/users`": _NEEDS_STORE,
    "`PATCH /v1/users/{user_id}`": _NEEDS_STORE,
    "`POST /v1/users/{user_id}/follow`": _NEEDS_STORE,
    "`DELETE /v1/users/{user_id}/follow`": _NEEDS_STORE,
    "`POST /v1/users/{user_id}/block`": _NEEDS_STORE,
    "`DELETE /v1/users/{user_id}/block`": _NEEDS_STORE,
    "`POST /v1/users/{user_id}/mute`": _NEEDS_STORE,
    "`DELETE /v1/users/{user_id}/mute`": _NEEDS_STORE,
    "`POST /v1/events`": _NEEDS_LOG,
    "`GET /health/ready`": (AS_EVER, AS_EVER, AS_EVER, NOT_READY, AS_EVER, NOT_READY),
    "`GET /health/live`": _ALWAYS,
    "`GET /metrics`": _ALWAYS,
    "`GET /.well-known/jwks.json`": _ALWAYS,
}
