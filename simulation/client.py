"""A client of the HTTP API: what an app does on behalf of one user."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from core.errors import Unavailable


class FeedClient:
    """One user's session; raises Unavailable, with the problem's own words, where a call fails.

    A 503 is asked again `retries` times, after as long as it says: every call may be repeated.
    """

    def __init__(self, http: httpx.AsyncClient, token: str, *, retries: int = 0) -> None:
        self._http = http
        self._retries = retries
        self._headers = {"Authorization": f"Bearer {token}"}

    async def create_user(self, handle: str, display_name: str) -> dict[str, Any]:
        return await self._call("POST", "/v1/users", json={"handle": handle, "display_name": display_name})

    async def follow(self, user_id: int) -> None:
        await self._call("POST", f"/v1/users/{user_id}/follow")

    async def post(self, text: str, idempotency_key: str) -> dict[str, Any]:
        return await self._call(
            "POST", "/v1/tweets", json={"text": text}, headers={"Idempotency-Key": idempotency_key}
        )

    async def reply(self, tweet_id: int, text: str) -> int:
        body = {"text": text, "reply_to_tweet_id": str(tweet_id)}
        key = {"Idempotency-Key": f"reply-{tweet_id}"}
        return int((await self._call("POST", "/v1/tweets", json=body, headers=key))["tweet_id"])

    async def retweet(self, tweet_id: int) -> int:
        body, key = {"retweet_of": str(tweet_id)}, {"Idempotency-Key": f"retweet-{tweet_id}"}
        return int((await self._call("POST", "/v1/tweets", json=body, headers=key))["tweet_id"])

    async def delete(self, tweet_id: int) -> None:
        await self._call("DELETE", f"/v1/tweets/{tweet_id}")

    async def like(self, tweet_id: int) -> None:
        await self._call("POST", f"/v1/tweets/{tweet_id}/like")

    async def unlike(self, tweet_id: int) -> None:
        await self._call("DELETE", f"/v1/tweets/{tweet_id}/like")

    async def tweet(self, tweet_id: int) -> dict[str, Any]:
        return await self._call("GET", f"/v1/tweets/{tweet_id}")

    async def feed(self, *, algorithm: str, limit: int = 20, cursor: str | None = None) -> dict[str, Any]:
        parameters = {"algorithm": algorithm, "limit": str(limit)}
        if cursor is not None:
            parameters["cursor"] = cursor
        return await self._call("GET", "/v1/feed", params=parameters)

    async def report(self, events: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return await self._call("POST", "/v1/events", json={"events": list(events)})

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = self._headers | options.pop("headers", {})
        for left in range(self._retries, -1, -1):
            try:
                answer = await self._http.request(method, path, headers=headers, **options)
            except httpx.HTTPError as exc:
                raise Unavailable(f"{method} {path}: {exc!r}") from exc
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not left:
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
        if answer.is_error:
            raise Unavailable(f"{method} {path}: {answer.status_code} {answer.text}")
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body


def event(
    kind: str, tracking: str, event_id: str, *, at_ms: int, value_ms: int | None = None
) -> dict[str, Any]:
    """One client event; `at_ms` is when it happened, UTC."""
    body: dict[str, Any] = {
        "event_id": event_id,
        "type": kind,
        "tracking": tracking,
        "client_ts": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(),
    }
    return body if value_ms is None else body | {"value_ms": value_ms}
