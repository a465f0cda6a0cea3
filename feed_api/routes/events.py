"""POST /v1/events: what clients report about the items they were served."""

from __future__ import annotations

from fastapi import APIRouter, Response

from core.errors import InputError
from eventlog.schema import record_of
from feed_api import limits, rendering
from feed_api.reported import reported
from feed_api.schemas import ClientEvents, EventsAnswer
from feed_api.services import Caller, Wired
from stores.ports import OutboxRecord

router = APIRouter()


@router.post(
    "/v1/events",
    status_code=202,
    response_model=EventsAnswer,
    summary="Report what was seen and done",
    openapi_extra=limits.declared("report"),
)
async def post_events(services: Wired, caller: Caller, body: ClientEvents) -> Response:
    """Accepts what is well signed and names what is not; a repeated event counts once."""
    caller.require("feed")
    viewer = caller.user_id
    services.limits.charge_here(viewer, "report", len(body.events))
    now_ms = services.clock.now_ms()
    records: list[OutboxRecord] = []
    rejected = []
    for index, event in enumerate(body.events):
        try:
            viewed, at_ms = reported(services.signer, viewer, event, now_ms)
        except InputError as exc:
            rejected.append(
                {
                    "index": index,
                    "event_id": event.event_id,
                    "code": exc.code,
                    "field": exc.field,
                    "detail": exc.detail,
                }
            )
            continue
        records.append(record_of(viewed, id=services.mint(), ts_ms=at_ms, key=viewer))
    if records:
        # All of them or none: a client that gets no 202 sends them again, and they count once.
        await services.reports.append(records)
    answer = {"accepted": len(records), "rejected": rejected}
    return Response(rendering.encode(answer), status_code=202, media_type="application/json")
