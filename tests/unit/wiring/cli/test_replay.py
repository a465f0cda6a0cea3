"""`rankfeed replay` says what it cannot replay; what it can, the end-to-end tests replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.ids import uuid7
from eventlog.schema import Served, ServedItem, record_of
from features.schema import SCHEMA_HASH
from ranking.objective import ENGAGEMENT
from tests.unit.training.served_pages import REQUEST, served_page
from tests.unit.wiring.cli.log_home import LogHome
from training.served_records import Recorded
from wiring.home import Home


@pytest.fixture
def home(tmp_path: Path) -> LogHome:
    return LogHome(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a REQUEST_ID, or --all"),
        (("--all", str(uuid7(1, 1))), "give a REQUEST_ID, or --all"),
        (("abc",), "'abc' is no request id: it stands in a feed's `meta.request_id`"),
        (("00000000-0000-4000-8000-000000000000",), "those are UUIDs of version 7"),
    ],
)
def test_what_is_no_request_is_said(arguments: tuple[str, ...], said: str, home: LogHome) -> None:
    refused = home.run("replay", *arguments)
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_a_request_that_nobody_knows_is_said_to_be_so(home: LogHome) -> None:
    request = uuid7(SystemClock().now_ms(), 1)
    refused = home.run("replay", str(request))
    assert refused.exit_code == 1
    assert f"nothing is known of request {request}: there is no lake" in refused.stderr
    assert "there is no lake" in home.run("replay", "--all").stderr


@pytest.fixture
async def page(home: LogHome) -> Recorded:
    """Served by the bundle of this home and by what applies where no objective was set."""
    return await served_page(Home(home.root).models, ENGAGEMENT)


def test_what_the_lake_does_not_have_yet_is_replayed_from_the_log(page: Recorded, home: LogHome) -> None:
    assert page.slate is not None
    home.append(
        [
            record_of(event, id=id, ts_ms=page.ts_ms, key=7)
            for id, event in ((1, page.served), (2, page.slate))
        ]
    )
    file = home.root / "replay.json"
    told = home.run("replay", REQUEST.hex, "--json", str(file))
    assert (told.exit_code, told.stderr) == (0, "")
    assert "the whole slate of 8 comes out in the same order, with the same bits" in told.stdout
    replayed = json.loads(file.read_bytes())
    assert [item["tweet"] for item in replayed["items"]] == [str(item.tweet) for item in page.served.items]
    # Whoever looks at an objective that was set since finds the former one all the same.
    assert home.run("objective", "set", "--preset", "freshness", "--reason", "a test").exit_code == 0
    assert home.run("replay", str(REQUEST)).exit_code == 0


def test_other_bits_end_with_1(page: Recorded, home: LogHome) -> None:
    items = [replace(item, score=0.125) for item in page.served.items]
    home.append([record_of(replace(page.served, items=items), id=1, ts_ms=page.ts_ms, key=7)])
    told = home.run("replay", str(REQUEST))
    assert told.exit_code == 1
    assert "0 of 5 items have equal bits" in told.stdout
    assert "other score" in told.stdout


@pytest.mark.parametrize(
    ("served", "said"),
    [
        ({"algorithm": "chronological", "reason": "no_model"}, "in the order of time (no_model)"),
        ({"schema_hash": "00" * 32}, "was scored on features 000000000000; this code computes"),
        ({"objective": "mine@7"}, "the objective mine@7 that it was ranked by is gone"),
        ({}, "the model home@1 that scored it is gone: there is no bundle in"),
    ],
)
def test_a_page_of_the_log_that_cannot_be_replayed_is_explained(
    served: dict[str, str], said: str, home: LogHome
) -> None:
    now_ms = SystemClock().now_ms()
    request = uuid7(now_ms, 2)
    scored = "algorithm" not in served
    item = ServedItem(5, 6, 0, "timeline", [0.5], 0.5, features=b"\0\0\0\0" if scored else b"")
    fields: dict[str, object] = {
        "algorithm": "ranked",
        "reason": None,
        "model": "home@1",
        "objective": "engagement@1",
        "schema_hash": SCHEMA_HASH,
        **served,
    }
    page = Served(viewer=7, request_id=request.bytes, now_ms=now_ms, rung="full", items=[item], **fields)  # type: ignore[arg-type]  # of each its own type
    home.append([record_of(page, id=1, ts_ms=now_ms, key=7)])
    refused = home.run("replay", str(request))
    assert refused.exit_code == 1
    assert said in refused.stderr, refused.stderr
