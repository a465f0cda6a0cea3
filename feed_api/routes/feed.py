"""GET /v1/feed."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from prometheus_client import Histogram
from starlette.background import BackgroundTask

from core.deadline import Deadline
from core.errors import CursorInvalid, InvalidField, Unavailable
from feed_api import conditions, limits, rendering, request_scope
from feed_api.direct_route import DirectRoute
from feed_api.last_pages import LastPage
from feed_api.schemas import FeedAnswer, FeedParameters
from feed_api.services import Caller, Services, Wired
from ranking.query import Algorithm, FeedMeta, FeedPosition, FeedQuery
from ranking.stages import StageFailed

LATENCY = Histogram(
    "rankfeed_feed_seconds",
    "From a feed's request to its page, by the algorithm that was served",
    ["algorithm"],
    buckets=request_scope.BUCKETS_S,
)

router = APIRouter(route_class=DirectRoute)
_logger = structlog.get_logger("feed")


@router.get(
    "/v1/feed",
    response_model=FeedAnswer,
    summary="The home feed of the token's user",
    description="`algorithm=ranked` asks for the ranked feed; `meta` says what was served, and why. "
    "`refresh=1` compares the timeline with the store first.",
    responses=conditions.DOCUMENTED,
    openapi_extra={**limits.declared("read", "refresh"), "parameters": [conditions.PARAMETER]},
)
async def get_feed(
    request: Request, services: Wired, caller: Caller, parameters: Annotated[FeedParameters, Query()]
) -> Response:
    caller.require("feed")
    viewer = caller.user_id
    services.limits.charge_here(viewer, "read")
    services.seen.note(viewer)
    position = None
    if parameters.cursor is not None:
        position = services.signer.read_cursor(viewer, parameters.cursor)
    refresh = parameters.refresh == "1"
    if refresh:
        if position is not None:
            raise InvalidField("begins a scroll anew: leave out the cursor", field="refresh")
        await services.limits.charge(viewer, "refresh")
    query = FeedQuery(
        viewer=viewer,
        limit=parameters.limit,
        algorithm=_algorithm(parameters.algorithm, position),
        position=position,
        request_id=request_scope.request_id(),
        now_ms=services.clock.now_ms(),
        deadline=Deadline.after_ms(services.options.feed_deadline_ms, services.clock),
        timings=request_scope.timings(),
        refresh=refresh,
    )
    try:
        return await _page(services, query, conditions.tags_of(request))
    except Unavailable as exc:
        last = services.last_pages.get(viewer, query.algorithm, query.limit) if position is None else None
        if last is None:
            raise
        _logger.warning("last_page_served", viewer=viewer, error=str(exc))
        return _last_page(query, last, exc)


async def _page(services: Services, query: FeedQuery, known: list[str]) -> Response:
    prepared = await services.feed.prepare(query)
    tag = conditions.feed_tag(query.viewer, prepared.page) if query.position is None else None
    if tag is not None and conditions.is_known(tag, known):
        # The client shows its own page again, with the tokens of the request that served it.
        return conditions.not_modified(tag)
    page = await services.feed.serve(query, prepared)
    meta = page.meta
    with query.timings.measure("render"):
        tweets = rendering.feed_tweets_json(services.signer, query, page)
        following = page.next_position
        cursor = None if following is None else services.signer.cursor(query.viewer, following)
        body = rendering.feed_json(query, tweets, cursor, meta)
    headers = dict(conditions.HEADERS)
    if tag is not None:
        # It may not be the page that was prepared: a slate that could not be pinned is not shown.
        headers["ETag"] = tag if page is prepared.page else conditions.feed_tag(query.viewer, page)
        kept = LastPage(
            query.algorithm,
            query.limit,
            tweets,
            cursor,
            meta.algorithm_served,
            meta.model,
            meta.objective,
            meta.slate,
            meta.partial,
            tuple({one for item in page.items for one in (item.tweet.tweet_id, item.root.tweet.tweet_id)}),
        )
        # What could not be made whole takes the place of nothing better.
        if not meta.partial or services.last_pages.get(query.viewer, query.algorithm, query.limit) is None:
            services.last_pages.keep(query.viewer, kept)
    remember = None
    if meta.slate is not None:
        remember = BackgroundTask(services.feed.remember, query.viewer, page)
    _latency(meta.algorithm_served).observe(query.timings.so_far_s())
    return Response(body, media_type="application/json", headers=headers, background=remember)


@cache
def _latency(served: Algorithm) -> Histogram:
    """To find it costs more than to observe."""
    return LATENCY.labels(served)


def _last_page(query: FeedQuery, last: LastPage, cause: Unavailable) -> Response:
    """What was served before, which is nothing new: no tag, and no record of its own."""
    reason = cause.reason if isinstance(cause, StageFailed) else "unavailable"
    meta = FeedMeta(
        query.algorithm,
        last.algorithm_served,
        "last_page",
        reason,
        last.model,
        last.objective,
        last.slate,
        partial=last.partial,
    )
    body = rendering.feed_json(query, last.tweets, last.next_cursor, meta)
    # Stored, it could be shown for another while beyond the age that we allow it.
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


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
