"""POST /v1/users, GET /v1/users/{user_id}, and following."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from core.errors import InvalidField, NotFound, Unavailable
from core.ids import UserId, id_time_ms
from core.types import User
from eventlog.schema import FollowSet, UserCreated, record_of
from feed_api import conditions, limits, rendering
from feed_api.schemas import FollowAnswer, IdPath, NewUser, UserAnswer
from feed_api.services import Caller, Services, Wired

router = APIRouter()
_logger = structlog.get_logger("users")


@router.post(
    "/v1/users",
    status_code=201,
    response_model=UserAnswer,
    summary="Make one's profile",
    openapi_extra=limits.declared("profile"),
)
async def post_user(services: Wired, caller: Caller, body: NewUser) -> Response:
    """The profile is that of the token's subject; 409 where it, or the handle, is taken."""
    caller.require("write")
    await services.limits.charge(caller.user_id, "profile")
    event_id = services.mint()
    user = User(caller.user_id, body.handle, body.display_name, id_time_ms(event_id))
    event = record_of(UserCreated.of(user), id=event_id, ts_ms=user.created_ms, key=user.user_id)
    await services.users.create(user, [event])
    return Response(rendering.user_json(user), status_code=201, media_type="application/json")


@router.get(
    "/v1/users/{user_id}",
    response_model=UserAnswer,
    summary="A profile",
    responses=conditions.DOCUMENTED,
    openapi_extra={**limits.declared("read"), "parameters": [conditions.PARAMETER]},
)
async def get_user(request: Request, services: Wired, caller: Caller, user_id: IdPath) -> Response:
    caller.require("feed")
    services.limits.charge_here(caller.user_id, "read")
    user = (await services.user_cache.get_many([user_id])).get(user_id)
    if user is None:
        raise NotFound("there is no user of this id", field="user_id")
    body = rendering.user_json(user)
    return conditions.answer(request, conditions.body_tag(body), body)


@router.post(
    "/v1/users/{user_id}/follow",
    response_model=FollowAnswer,
    summary="Follow",
    openapi_extra=limits.declared("follow"),
)
async def follow(services: Wired, caller: Caller, user_id: IdPath) -> Response:
    return await _set_follow(services, caller, UserId(user_id), on=True)


@router.delete(
    "/v1/users/{user_id}/follow",
    response_model=FollowAnswer,
    summary="Unfollow",
    openapi_extra=limits.declared("follow"),
)
async def unfollow(services: Wired, caller: Caller, user_id: IdPath) -> Response:
    return await _set_follow(services, caller, UserId(user_id), on=False)


async def _set_follow(services: Services, caller: Caller, followee: UserId, *, on: bool) -> Response:
    """Idempotent: following twice, or unfollowing nobody, answers alike and changes nothing."""
    caller.require("write")
    follower = caller.user_id
    if followee == follower:
        raise InvalidField("nobody can follow themselves", field="user_id")
    await services.limits.charge(follower, "follow")
    profiles = await services.user_cache.get_many([follower, followee])
    if followee not in profiles:
        raise NotFound("there is no user of this id", field="user_id")
    if follower not in profiles:
        raise NotFound("make a profile first: POST /v1/users", field="Authorization")
    ver = services.mint()
    event = FollowSet(follower, followee, on)
    record = record_of(event, id=ver, ts_ms=id_time_ms(ver), key=follower)
    await services.graph.set_follow(follower, followee, on=on, ver=ver, outbox=[record])
    services.last_pages.forget(follower)
    try:
        await services.relations.invalidate(follower, ver)
    except Unavailable as exc:
        # The consumer of the event does it again until it succeeds.
        _logger.warning("relations_not_invalidated", error=str(exc))
    answer = {"user_id": str(followee), "following": on}
    return Response(rendering.encode(answer), media_type="application/json")
