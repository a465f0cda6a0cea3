"""POST and DELETE /v1/users/{user_id}/follow."""

from __future__ import annotations

from fastapi import APIRouter, Response

from core.ids import UserId
from core.types import User
from eventlog.schema import FollowSet
from feed_api import aftermath, idempotency, rendering, versions
from feed_api.idempotency import Attempt, HeaderKey, WriteRoute, key_of
from feed_api.schemas import IdPath
from feed_api.services import Caller, Services, Wired
from feed_api.targets import not_oneself, two_profiles
from feed_api.versions import Moment
from feed_api.write_schemas import Act, FollowAnswer
from stores.ports import Written

router = APIRouter()

FOLLOW = WriteRoute("POST /v1/users/{user_id}/follow", 200, "follow")
UNFOLLOW = WriteRoute("DELETE /v1/users/{user_id}/follow", 200, "follow")


@router.post(
    "/v1/users/{user_id}/follow",
    response_model=FollowAnswer,
    summary="Follow",
    openapi_extra=FOLLOW.documented(),
)
async def follow(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: Act | None = None
) -> Response:
    """403 `forbidden` where one of the two blocks the other, `follow_limit` at the limit that it names."""
    attempt = await _begin(services, caller, FOLLOW, header_key, body, user_id)
    if attempt.first is not None:
        return await _done(services, attempt.repeat(attempt.first), attempt.user, services.mint())
    follower = await two_profiles(services, caller.user_id, user_id)
    # One after the other: of two at once, neither would count the other.
    async with services.turns.of(caller.user_id):
        await _check_limits(services, follower, user_id)
        return await _write(services, attempt, UserId(user_id), on=True)


@router.delete(
    "/v1/users/{user_id}/follow",
    response_model=FollowAnswer,
    summary="Unfollow",
    openapi_extra=UNFOLLOW.documented(),
)
async def unfollow(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: Act | None = None
) -> Response:
    attempt = await _begin(services, caller, UNFOLLOW, header_key, body, user_id)
    if attempt.first is not None:
        return await _done(services, attempt.repeat(attempt.first), attempt.user, services.mint())
    await two_profiles(services, caller.user_id, user_id)
    return await _write(services, attempt, UserId(user_id), on=False)


async def _begin(
    services: Services,
    caller: Caller,
    route: WriteRoute,
    header_key: str | None,
    body: Act | None,
    user_id: int,
) -> Attempt:
    caller.require("write")
    not_oneself(caller.user_id, user_id, "follow")
    key = key_of(header_key, None if body is None else body.idempotency_key)
    return await idempotency.begin(services, caller.user_id, route, key, str(user_id))


async def _check_limits(services: Services, follower: User, followee: int) -> None:
    """Raises FollowLimit, but not for whom one follows already."""
    limits, user = services.follow_limits, follower.user_id
    counted = await services.graph.follow_counts(user, followers_up_to=0)
    if counted.followees < limits.least:
        return
    if followee in (await services.graph.followees(user)).ids:
        return
    if limits.asks_for_followers(counted.followees):
        counted = await services.graph.follow_counts(user, followers_up_to=limits.followers_up_to)
    limits.check(
        age_ms=services.clock.now_ms() - follower.created_ms,
        followees=counted.followees,
        followers=counted.followers,
    )


async def _write(services: Services, attempt: Attempt, followee: UserId, *, on: bool) -> Response:
    """Idempotent: following twice, or unfollowing nobody, answers alike and changes nothing."""
    follower = attempt.user
    answer = rendering.encode({"user_id": str(followee), "following": on})
    event, kept = FollowSet(follower, followee, on), attempt.keeping(answer)

    async def write(moment: Moment) -> Written:
        record = moment.record(event, follower)
        return await services.graph.set_follow(
            follower, followee, on=on, ver=moment.ver, outbox=[record], idempotency=kept
        )

    written, moment = await versions.change(services.mint, write)
    done = attempt.route.answer(answer) if written.first is None else attempt.repeat(written.first)
    return await _done(services, done, follower, moment.ver)


async def _done(services: Services, answer: Response, follower: UserId, ver: int) -> Response:
    # The last page stays: it is shown where nobody else answers, and a follow or its end may be late there.
    await aftermath.forget_followees(services, [(follower, ver)])
    return answer
