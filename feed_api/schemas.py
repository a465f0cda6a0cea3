"""Request and response bodies, as the OpenAPI document shows them.

Requests are validated by these models. Answers on hot routes are encoded by msgspec from the same
fields (`feed_api.rendering`); a test holds the two against each other.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from core.errors import InvalidId
from core.ids import parse_id
from core.types import EngagementType
from feed_api.signatures import MAX_CURSOR_CHARS

MAX_EVENTS = 500
MAX_DWELL_MS = 3_600_000

ID_PATTERN = r"^[1-9][0-9]{0,18}$"
_DATE_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}", re.ASCII)


def _id(value: object) -> int:
    try:
        return parse_id(value if isinstance(value, str) else "", field="id")
    except InvalidId as exc:
        raise PydanticCustomError(
            "invalid_id",
            "must be a decimal string of 1 to 19 digits, at most 2^63 - 1, without leading zeros",
            {"limit": str(2**63 - 1)},
        ) from exc


IdPath = Annotated[
    int,
    BeforeValidator(_id, json_schema_input_type=Annotated[str, Field(pattern=ID_PATTERN)]),
]
Id = Annotated[str, Field(pattern=ID_PATTERN, examples=["1790000000000000000"])]


class NormalText:
    """NFC, without NUL, of `least` to `limit` code points after that; so it cannot be a plain max_length."""

    def __init__(self, limit: int, least: int = 1) -> None:
        self._limit = limit
        self._least = least

    def __call__(self, text: str) -> str:
        if "\x00" in text:
            raise PydanticCustomError("nul", "must not contain NUL")
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            # JSON can name half a character; nobody can store it, or send it back.
            raise PydanticCustomError("surrogate", "must not contain a lone surrogate") from exc
        normal = unicodedata.normalize("NFC", text)
        if not self._least <= len(normal) <= self._limit:
            raise PydanticCustomError(
                "text_length",
                "must have {least} to {limit} characters (code points after NFC)",
                {"least": self._least, "limit": self._limit},
            )
        return normal


def _moment(value: object) -> object:
    """Lets through what looks like RFC 3339: a bare number might be seconds or milliseconds."""
    if not isinstance(value, str) or _DATE_AND_TIME.match(value) is None:
        raise PydanticCustomError("moment", "must be a time with its zone, as in 2026-01-31T12:00:00.000Z")
    return value


class StrictBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UserAnswer(BaseModel):
    user_id: Id
    handle: str
    display_name: str
    created_at: str


class AuthorAnswer(BaseModel):
    user_id: Id
    handle: str
    display_name: str


class EngagementAnswer(BaseModel):
    """Of a retweet these are its original's. Exact within 10 s; `likes_display` is for people."""

    likes: Annotated[int, Field(ge=0)]
    retweets: Annotated[int, Field(ge=0)]
    replies: Annotated[int, Field(ge=0)]
    likes_display: Annotated[str, Field(examples=["1.2K"])]


class OriginalAnswer(BaseModel):
    tweet_id: Id
    text: str
    author: AuthorAnswer
    created_at: str
    engagement: EngagementAnswer
    media: Annotated[list[str], Field(max_length=0)]
    reply_to_tweet_id: Id | None
    retweet_of: Id | None


class TweetAnswer(OriginalAnswer):
    """A retweet has an empty text of its own, and what it retweets in `original`."""

    original: OriginalAnswer | None


class FeedTweet(TweetAnswer):
    tracking: str


class UserTweetsAnswer(BaseModel):
    tweets: list[TweetAnswer]
    next_cursor: str | None
    has_more: bool


class FeedMetaAnswer(BaseModel):
    request_id: str
    algorithm_asked: Literal["chronological", "ranked"]
    algorithm_served: Literal["chronological", "ranked"]
    rung: Literal["full", "fewer", "cached", "popular", "chronological", "last_page"]
    reason: str | None
    model: str | None
    objective: str | None
    slate: str | None
    remade: bool
    partial: bool


class FeedAnswer(BaseModel):
    tweets: list[FeedTweet]
    next_cursor: str | None
    has_more: bool
    meta: FeedMetaAnswer


class ClientEvent(StrictBody):
    event_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
    type: EngagementType
    tracking: Annotated[str, Field(min_length=1, max_length=200)]
    value_ms: Annotated[int | None, Field(ge=0, le=MAX_DWELL_MS)] = None
    client_ts: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_moment)]


class ClientEvents(StrictBody):
    events: Annotated[list[ClientEvent], Field(min_length=1, max_length=MAX_EVENTS)]


class RejectedEvent(BaseModel):
    """`index` is its place in the request, from 0."""

    index: int
    event_id: str
    code: str
    field: str
    detail: str


class EventsAnswer(BaseModel):
    accepted: int
    rejected: list[RejectedEvent]


class PageParameters(BaseModel):
    """Unknown parameters are refused: a misspelt `algorithm` must not quietly mean the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    # Its length is judged where it is read: too long is as invalid as cut.
    cursor: Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_CURSOR_CHARS})] = None


class FeedParameters(PageParameters):
    algorithm: Literal["chronological", "ranked"] | None = None
    # Not a bool: one spelling is enough, and `refresh=yes` must not quietly mean no.
    refresh: Literal["0", "1"] = "0"
