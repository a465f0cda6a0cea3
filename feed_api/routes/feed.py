"""GET /v1/feed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.background import BackgroundTask

from core.deadline import Deadline
from core.errors import CursorInvalid
from feed_api import rendering, request_scope
from feed_api.schemas import FeedAnswer, FeedParameters
from feed_api.services import Caller, Wired
from ranking.query import Algorithm, FeedPosition, FeedQuery

router = APIRouter()


@router.get(
    "/v1/feed",
    response_model=FeedAnswer,
    summary="The home feed of the token's user",
    description="`algorithm=ranked` asks for the ranked feed; `meta` says what was served, and why.",
)
async def get_feed(
    services: Wired, caller: Caller, parameters: Annotated[FeedParameters, Query()]
) -> Response:
    caller.require("feed")
    position = None
    if parameters.cursor is not None:
        position = services.signer.read_cursor(caller.user_id, parameters.cursor)
    query = FeedQuery(
        viewer=caller.user_id,
        limit=parameters.limit,
        algorithm=_algorithm(parameters.algorithm, position),
        position=position,
        request_id=request_scope.request_id(),
        now_ms=services.clock.now_ms(),
        deadline=Deadline.after_ms(services.options.feed_deadline_ms, services.clock),
        timings=request_scope.timings(),
    )
    page = await services.feed.page(query)
    with query.timings.measure("render"):
        body = rendering.feed_json(services.signer, query, page)
    return Response(
        body,
        media_type="application/json",
        headers={"Cache-Control": "private, no-cache"},
        background=BackgroundTask(services.feed.remember, caller.user_id, page),
    )


def _algorithm(asked: Algorithm | None, position: FeedPosition | None) -> Algorithm:
    """A scroll keeps its order: a ranked one cannot go on as a chronological one.

    The other way round it can: a client that asks for ranked and was given time order goes on in it.
    """
    if position is None:
        return asked or "chronological"
    if asked == "chronological" and position.mode == "r":
        raise CursorInvalid(
            "this cursor belongs to a ranked scroll; leave out `algorithm`, or begin without a cursor",
            field="cursor",
        )
    return asked or ("ranked" if position.mode == "r" else "chronological")
