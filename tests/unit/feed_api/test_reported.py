"""A report is of what was served to this viewer, lately, and at a moment that can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import InvalidField
from core.ids import UserId, uuid7
from eventlog.schema import Viewed
from feed_api.reported import MAX_AGE_MS, Reported, reported
from feed_api.schemas import ClientEvent
from feed_api.signatures import Signer, Tracked

NOW_MS = 1_700_000_000_000
SERVED_MS = NOW_MS - 5_000
VIEWER, OTHER = UserId(7), UserId(8)
SIGNER = Signer(b"secret")


def token(viewer: UserId = VIEWER, served_ms: int = SERVED_MS, signer: Signer = SIGNER) -> str:
    return signer.tracking(viewer, Tracked(uuid7(served_ms, 5), tweet=50, author=21, position=3))


def report(now_ms: int = NOW_MS, client_ms: int = NOW_MS - 1_000, **changes: Any) -> Reported:
    client_ts = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=client_ms)
    body = {"event_id": "e", "type": "seen", "tracking": token(), "client_ts": client_ts.isoformat()}
    return reported(SIGNER, VIEWER, ClientEvent.model_validate(body | changes), now_ms)


def refused(**changes: Any) -> InvalidField:
    with pytest.raises(InvalidField) as caught:
        report(**changes)
    return caught.value


def test_it_says_what_the_token_vouches_for() -> None:
    event, at_ms = report(type="dwell", value_ms=900)
    assert event == Viewed(VIEWER, uuid7(SERVED_MS, 5).bytes, 50, 21, "dwell", 3, 900)
    assert at_ms == NOW_MS - 1_000


@pytest.mark.parametrize(
    "forged",
    [token(OTHER), token(signer=Signer(b"another")), token()[:-4] + "AAAA", "x"],
    ids=["foreign", "of another secret", "another signature", "none at all"],
)
def test_a_token_that_was_not_given_to_this_viewer_is_refused(forged: str) -> None:
    error = refused(tracking=forged)
    assert (error.field, error.code) == ("tracking", "invalid_field")


def test_a_token_is_good_for_a_day() -> None:
    old = token(served_ms=NOW_MS - MAX_AGE_MS)
    assert report(tracking=old).event.tweet == 50
    error = refused(tracking=old, now_ms=NOW_MS + 1)
    assert (error.field, error.limit) == ("tracking", MAX_AGE_MS)


def test_a_dwell_needs_its_length() -> None:
    assert refused(type="dwell").field == "value_ms"
    assert report(type="dwell", value_ms=0).event.value_ms == 0


@pytest.mark.parametrize(("days", "at_ms"), [(-365, SERVED_MS), (365, NOW_MS)])
def test_a_clock_that_is_a_year_off_counts_between_serving_and_now(days: int, at_ms: int) -> None:
    assert report(client_ms=NOW_MS + days * 86_400_000).at_ms == at_ms


def test_of_a_server_whose_clock_is_ahead_it_is_now() -> None:
    assert report(tracking=token(served_ms=NOW_MS + 60_000)).at_ms == NOW_MS
