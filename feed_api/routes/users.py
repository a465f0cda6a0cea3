"""GET /v1/users/{user_id}."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from core.errors import NotFound
from feed_api import conditions, limits, rendering
from feed_api.schemas import IdPath, UserAnswer
from feed_api.services import Caller, Wired

router = APIRouter()


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
