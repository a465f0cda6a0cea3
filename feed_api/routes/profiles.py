"""POST /v1/users and PATCH /v1/users/{user_id}: one's own profile."""

from __future__ import annotations

from fastapi import APIRouter, Response

from core.errors import Forbidden
from core.ids import UserId, id_time_ms
from core.types import User
from eventlog.schema import UserChanged, UserCreated, record_of
from feed_api import idempotency, rendering, versions
from feed_api.idempotency import HeaderKey, WriteRoute, key_of
from feed_api.schemas import IdPath, UserAnswer
from feed_api.services import Caller, Services, Wired
from feed_api.targets import own_profile
from feed_api.versions import Moment
from feed_api.write_schemas import NewUser, ProfileChange
from stores.ports import Written

router = APIRouter()

CREATE = WriteRoute("POST /v1/users", 201, "profile")
CHANGE = WriteRoute("PATCH /v1/users/{user_id}", 200, "profile")


@router.post(
    "/v1/users",
    status_code=CREATE.status,
    response_model=UserAnswer,
    summary="Make one's profile",
    openapi_extra=CREATE.documented(),
)
async def post_user(services: Wired, caller: Caller, header_key: HeaderKey, body: NewUser) -> Response:
    """The profile is that of the token's subject; 409 where it, or the handle, is taken."""
    caller.require("write")
    key = key_of(header_key, body.idempotency_key)
    attempt = await idempotency.begin(services, caller.user_id, CREATE, key, body.handle, body.display_name)
    if attempt.first is not None:
        return attempt.repeat(attempt.first)
    event_id = services.mint()
    user = User(caller.user_id, body.handle, body.display_name, id_time_ms(event_id))
    event = record_of(UserCreated.of(user), id=event_id, ts_ms=user.created_ms, key=user.user_id)
    answer = rendering.user_json(user)
    written = await services.users.create(user, [event], idempotency=attempt.keeping(answer))
    return CREATE.answer(answer) if written.first is None else attempt.repeat(written.first)


@router.patch(
    "/v1/users/{user_id}",
    response_model=UserAnswer,
    summary="Change one's profile",
    openapi_extra=CHANGE.documented(),
)
async def patch_user(
    services: Wired, caller: Caller, header_key: HeaderKey, user_id: IdPath, body: ProfileChange
) -> Response:
    """The caller reads the change at once, others within a minute. The handle stays."""
    caller.require("write")
    user = caller.user_id
    if user_id != user:
        raise Forbidden("this profile is somebody else's", field="user_id")
    key = key_of(header_key, body.idempotency_key)
    attempt = await idempotency.begin(services, user, CHANGE, key, str(user_id), body.display_name)
    if attempt.first is not None:
        return _done(services, attempt.repeat(attempt.first), user)
    profile = await own_profile(services, user)
    changed = User(user, profile.handle, body.display_name, profile.created_ms)
    answer = rendering.user_json(changed)
    event, kept = UserChanged(user, changed.handle, changed.display_name), attempt.keeping(answer)

    async def write(moment: Moment) -> Written:
        return await services.users.change(
            user,
            display_name=changed.display_name,
            ver=moment.ver,
            outbox=[moment.record(event, user)],
            idempotency=kept,
        )

    written, _ = await versions.change(services.mint, write)
    done = CHANGE.answer(answer) if written.first is None else attempt.repeat(written.first)
    return _done(services, done, user)


def _done(services: Services, answer: Response, user: UserId) -> Response:
    services.user_cache.forget(user)
    services.last_pages.forget(user)
    return answer
