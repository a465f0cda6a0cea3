"""POST /v1/events: what clients report about the items they were served."""

from __future__ import annotations

from fastapi import APIRouter, Response

from core.errors import InputError, InvalidField
from core.ids import UserId, uuid7_time_ms
from eventlog.schema import Viewed, record_of
from feed_api import limits, rendering
from feed_api.schemas import ClientEvent, ClientEvents, EventsAnswer
from feed_api.services import Caller, Services, Wired
from stores.ports import OutboxRecord

router = APIRouter()

MAX_AGE_MS = 24 * 3600 * 1000


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
    services.limits.charge_here(caller.user_id, "report", len(body.events))
    now_ms = services.clock.now_ms()
    records: list[OutboxRecord] = []
    rejected = []
    for event in body.events:
        try:
            records.append(_record(services, caller.user_id, event, now_ms))
        except InputError as exc:
            rejected.append(
                {"event_id": event.event_id, "code": exc.code, "field": exc.field, "detail": exc.detail}
            )
    if records:
        await services.reports.append(records)
    answer = {"accepted": len(records), "rejected": rejected}
    return Response(rendering.encode(answer), status_code=202, media_type="application/json")


def _record(services: Services, viewer: UserId, event: ClientEvent, now_ms: int) -> OutboxRecord:
    tracked = services.signer.read_tracking(viewer, event.tracking)
    served_ms = uuid7_time_ms(tracked.request_id)
    if now_ms - served_ms > MAX_AGE_MS:
        raise InvalidField("the item was served more than 24 h ago", field="tracking", limit=MAX_AGE_MS)
    if event.type == "dwell" and event.value_ms is None:
        raise InvalidField("a dwell needs its length", field="value_ms")
    # A client's clock may be a year off: nothing happens before the item was served, or after now.
    at_ms = min(max(int(event.client_ts.timestamp() * 1000), served_ms), now_ms)
    viewed = Viewed(
        viewer=viewer,
        request_id=tracked.request_id.bytes,
        tweet=tracked.tweet,
        author=tracked.author,
        kind=event.type,
        position=tracked.position,
        value_ms=event.value_ms or 0,
    )
    return record_of(viewed, id=services.mint(), ts_ms=at_ms, key=viewer)
