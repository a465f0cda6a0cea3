"""POST and DELETE /v1/users/{user_id}/block and /v1/users/{user_id}/mute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response

from core.ids import UserId
from eventlog.schema import BlockSet, FollowSet, MuteSet, record_of
from feed_api import aftermath, idempotency, rendering, versions
from feed_api.idempotency import Attempt, HeaderKey, WriteRoute, key_of
from feed_api.schemas import IdPath
from feed_api.services import Caller, Services, Wired
from feed_api.targets import not_oneself, two_profiles
from feed_api.versions import Moment
from feed_api.write_schemas import Act, BlockAnswer, MuteAnswer
from stores.ports import IdempotentAnswer, OutboxRecord, Written

router = APIRouter()

BLOCK = WriteRoute("POST /v1/users/{user_id}/block", 200, "engage")
UNBLOCK = WriteRoute("DELETE /v1/users/{user_id}/block", 200, "engage")
MUTE = WriteRoute("POST /v1/users/{user_id}/mute", 200, "engage")
UNMUTE = WriteRoute("DELETE /v1/users/{user_id}/mute", 200, "engage")


@router.post(
    "/v1/users/{user_id}/block",
    response_model=BlockAnswer,
    summary="Block: neither sees the other any more, and neither follows the other",
    openapi_extra=BLOCK.documented(),
)
async def block(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: Act | None = None
) -> Response:
    return await _block(await _begin(services, caller, BLOCK, header_key, body, user_id), services, user_id)


@router.delete(
    "/v1/users/{user_id}/block",
    response_model=BlockAnswer,
    summary="Unblock; follows do not come back by themselves",
    openapi_extra=UNBLOCK.documented(),
)
async def unblock(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: Act | None = None
) -> Response:
    return await _block(await _begin(services, caller, UNBLOCK, header_key, body, user_id), services, user_id)


@router.post(
    "/v1/users/{user_id}/mute",
    response_model=MuteAnswer,
    summary="Mute: not shown to the caller, and not told of it",
    openapi_extra=MUTE.documented(),
)
async def mute(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: Act | None = None
) -> Response:
    return await _mute(await _begin(services, caller, MUTE, header_key, body, user_id), services, user_id)


@router.delete(
    "/v1/users/{user_id}/mute",
    response_model=MuteAnswer,
    summary="Unmute",
    openapi_extra=UNMUTE.documented(),
)
async def unmute(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: Act | None = None
) -> Response:
    return await _mute(await _begin(services, caller, UNMUTE, header_key, body, user_id), services, user_id)


async def _begin(
    services: Services,
    caller: Caller,
    route: WriteRoute,
    header_key: str | None,
    body: Act | None,
    user_id: int,
) -> Attempt:
    caller.require("write")
    not_oneself(caller.user_id, user_id, "block" if route in (BLOCK, UNBLOCK) else "mute")
    key = key_of(header_key, None if body is None else body.idempotency_key)
    return await idempotency.begin(services, caller.user_id, route, key, str(user_id))


async def _block(attempt: Attempt, services: Services, user_id: int) -> Response:
    """Idempotent. What either of the two was shown last is forgotten."""
    user, other, on = attempt.user, UserId(user_id), attempt.route is BLOCK
    answer = rendering.encode({"user_id": str(other), "blocking": on})
    kept, changed = attempt.keeping(answer), list[tuple[UserId, int]]()

    async def write(moment: Moment) -> Written:
        def ended(follower: UserId, followee: UserId, end: int) -> OutboxRecord:
            changed.append((follower, end))
            event = FollowSet(follower, followee, False)
            return record_of(event, id=end, ts_ms=moment.at_ms, key=follower)

        record = moment.record(BlockSet(user, other, on), user)
        return await services.graph.set_block(
            user, other, on=on, ver=moment.ver, outbox=[record], ended=ended, idempotency=kept
        )

    first, ver = await _made(attempt, services, other, write)
    if on:
        changed += [(user, ver), (other, ver)]
    done = attempt.route.answer(answer) if first is None else attempt.repeat(first)
    for one in (user, other):
        services.last_pages.forget(one)
    await asyncio.gather(
        aftermath.forget_hidden(services, (user, other), ver), aftermath.forget_followees(services, changed)
    )
    return done


async def _mute(attempt: Attempt, services: Services, user_id: int) -> Response:
    """Idempotent."""
    user, other, on = attempt.user, UserId(user_id), attempt.route is MUTE
    answer = rendering.encode({"user_id": str(other), "muting": on})
    kept = attempt.keeping(answer)

    async def write(moment: Moment) -> Written:
        record = moment.record(MuteSet(user, other, on), user)
        return await services.graph.set_mute(
            user, other, on=on, ver=moment.ver, outbox=[record], idempotency=kept
        )

    first, ver = await _made(attempt, services, other, write)
    done = attempt.route.answer(answer) if first is None else attempt.repeat(first)
    services.last_pages.forget(user)
    await aftermath.forget_hidden(services, (user,), ver)
    return done


async def _made(
    attempt: Attempt, services: Services, other: UserId, write: Callable[[Moment], Awaitable[Written]]
) -> tuple[IdempotentAnswer | None, int]:
    """What the key was first used for, if it was, and a version from which on the change is there."""
    if attempt.first is not None:
        return attempt.first, services.mint()
    await two_profiles(services, attempt.user, other)
    written, moment = await versions.change(services.mint, write)
    return written.first, moment.ver
