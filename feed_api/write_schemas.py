"""Bodies of the requests that write, and of their answers, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from core.types import MAX_DISPLAY_NAME_CHARS, MAX_HANDLE_CHARS, MAX_TEXT_CODE_POINTS
from feed_api.idempotency import MAX_KEY_CHARS
from feed_api.schemas import Id, IdPath, NormalText, StrictBody


class Act(StrictBody):
    """The body of a request that says everything in its address: it may be left out.

    What else stands in it is refused, above all a user for whom the act is claimed to be.
    """

    idempotency_key: Annotated[
        str | None, Field(min_length=1, max_length=MAX_KEY_CHARS, pattern=r"^[\x20-\x7e]+$")
    ] = None


DisplayName = Annotated[
    str,
    Field(min_length=1, json_schema_extra={"maxLength": MAX_DISPLAY_NAME_CHARS}),
    AfterValidator(NormalText(MAX_DISPLAY_NAME_CHARS)),
]


class NewUser(Act):
    handle: Annotated[
        str, Field(pattern=rf"^[A-Za-z0-9_]{{1,{MAX_HANDLE_CHARS}}}$", max_length=MAX_HANDLE_CHARS)
    ]
    display_name: DisplayName


class ProfileChange(Act):
    display_name: DisplayName


class NewTweet(Act):
    """A tweet, a reply or a retweet. A retweet has no text of its own; the others have one."""

    text: Annotated[
        str,
        Field(json_schema_extra={"maxLength": MAX_TEXT_CODE_POINTS}),
        AfterValidator(NormalText(MAX_TEXT_CODE_POINTS, least=0)),
    ] = ""
    reply_to_tweet_id: IdPath | None = None
    retweet_of: IdPath | None = None


class NewTweetAnswer(BaseModel):
    tweet_id: Id
    created_at: str
    author_id: Id
    fan_out_status: Literal["queued"]


class LikeAnswer(BaseModel):
    """`likes` as it was when this was first answered, one's own like counted; it is exact within 10 s."""

    tweet_id: Id
    liked: bool
    likes: Annotated[int, Field(ge=0)]
    likes_display: Annotated[str, Field(examples=["1.2K"])]


class FollowAnswer(BaseModel):
    user_id: Id
    following: bool


class BlockAnswer(BaseModel):
    user_id: Id
    blocking: bool


class MuteAnswer(BaseModel):
    user_id: Id
    muting: bool
