"""Golden files: what was ever published stays readable, and is written the same way today.

A file is the whole value of a record, envelope and event. Once committed it is never written
again: a changed event gets a file of the next version beside it, and both stay readable.
`python -m tests.unit.eventlog.test_golden_events` writes those that are missing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from eventlog.envelope import Envelope, decode_envelope, encode_envelope
from eventlog.schema import (
    EVENTS,
    BlockSet,
    DeadLetter,
    DeadLetterRedriven,
    Event,
    FollowSet,
    LikeSet,
    MuteSet,
    ReplySet,
    RetweetSet,
    Scored,
    Served,
    ServedItem,
    TweetCreated,
    TweetDeleted,
    UserChanged,
    UserCreated,
    Viewed,
    decode_event,
    record_of,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "events"

ID = 1_724_000_000_000_000_001
TS_MS = 1_700_000_000_123
KEY = 1_723_000_000_000_000_007
VER = ID + 1
REQUEST = bytes(range(16))

EXAMPLES: dict[str, Event] = {
    example.type_name: example
    for example in (
        TweetCreated(ID, KEY, "Grüße — 🎉", TS_MS, reply_to=ID - 1, retweet_of=ID - 2),
        TweetDeleted(ID, KEY),
        FollowSet(KEY, ID, on=False),
        BlockSet(KEY, ID, on=True),
        MuteSet(KEY, ID, on=False),
        LikeSet(KEY, ID, on=True, author=KEY - 1, request_id=REQUEST),
        RetweetSet(KEY, ID, on=True, retweet=ID + 9, author=KEY - 1, request_id=REQUEST),
        ReplySet(ID + 9, ID, on=False, user=KEY, author=KEY - 1, request_id=REQUEST),
        UserChanged(KEY, "ada_99", "Ada King 👑"),
        UserCreated(KEY, "ada_99", "Ada Lovelace 👩‍💻", TS_MS),
        Viewed(KEY, REQUEST, ID, KEY - 1, "dwell", position=3, value_ms=2_500),
        Served(
            KEY,
            REQUEST,
            TS_MS,
            "ranked",
            "full",
            "model_slow",
            "home/3",
            "clicks/2",
            "9f" * 32,
            [
                # Every float is exact in 32 bits, so that it reads back as it was written.
                ServedItem(
                    ID,
                    KEY - 1,
                    0,
                    "timeline",
                    heads=[0.125, 0.75],
                    score=1.5,
                    propensity=0.5,
                    features=b"\x00\x00\x80?\x00\x00\xc0\x7f",
                    rows={"t": (1, 42), "va": (2, 0)},
                ),
                ServedItem(ID - 5, KEY - 2, 1, "popular"),
            ],
            policy="explore",
            seed=2**63,
            temperature=0.25,
        ),
        Scored(
            KEY,
            REQUEST,
            TS_MS,
            "sLaTe_9-x",
            "home/3",
            "clicks/2",
            "9f" * 32,
            ["timeline"],
            ["t"],
            ID.to_bytes(8, "little"),
            (KEY - 1).to_bytes(8, "little"),
            b"\x00\x00\x00\x3e",
            b"\x00\x00\x00\x00\x00\x00\xf8\x3f",
            b"\x00\x00\x80?\x00\x00\xc0\x7f",
            b"\x01\x00\x00\x00\x2a\x00\x00\x00",
            policy="explore",
        ),
        DeadLetter("views.v1", 15, 2**40, "features", "ValueError: no", 5, b"\x00\xff raw"),
        DeadLetterRedriven(ID),
    )
}

# What fields were added since: the example of the second version has them too.
SECOND: dict[str, Event] = {
    name: msgspec.structs.replace(EXAMPLES[name], **{field: value})
    for name, field, value in (
        ("tweet.created", "media_kind", "video"),
        ("view.recorded", "surface", "tab-1"),
        ("feed.served", "surface", "profile"),
    )
}
# What multiplied a score, and the place without diversity: of an item, and of a whole matrix.
_SERVED = SECOND["feed.served"]
assert isinstance(_SERVED, Served)
_WEIGHED = msgspec.structs.replace(
    _SERVED.items[0], freshness=0.5, source_factor=1.25, diversity=0.75, place_before=4, author_rank=2
)
_SCORED = msgspec.structs.replace(
    EXAMPLES["feed.scored"],
    multipliers=b"\x00\x00\x00\x00\x00\x00\xe0\x3f" * 3,
    places=b"\x04\x00\x00\x00\x02\x00\x00\x00",
)
FILES: dict[str, Event] = {
    **{f"{name}.v1": example for name, example in EXAMPLES.items()},
    **{f"{name}.v2": example for name, example in SECOND.items()},
    "feed.served.v3": msgspec.structs.replace(_SERVED, items=[_WEIGHED, _SERVED.items[1]]),
    "feed.scored.v2": _SCORED,
    # What the viewer had looked at before.
    "feed.served.v4": msgspec.structs.replace(
        _SERVED, items=[msgspec.structs.replace(_WEIGHED, seen=0.25), _SERVED.items[1]]
    ),
    "feed.scored.v3": msgspec.structs.replace(_SCORED, seen=b"\x00\x00\x00\x00\x00\x00\xd0\x3f"),
}
NEWEST = {
    name: max((file for file in FILES if file[:-3] == name), default=f"{name}.v1")
    for name in ("envelope", *EVENTS)
}

ENVELOPE = encode_envelope(
    type="like.set",
    id=ID,
    ts_ms=TS_MS,
    key=KEY,
    ver=VER,
    data=b"\x80",
    region="eu-1",
    trace="4bf92f3577b34da6",
)


def current(name: str) -> bytes:
    """What the code of today writes for an example."""
    if name == "envelope":
        return ENVELOPE
    return record_of(FILES[NEWEST[name]], id=ID, ts_ms=TS_MS, key=KEY, ver=VER).value


def write_missing() -> list[Path]:
    """Writes the examples that have no file yet; returns what was written."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    missing = {
        name: path for name, file in NEWEST.items() if not (path := GOLDEN / f"{file}.msgpack").exists()
    }
    for name, path in missing.items():
        path.write_bytes(current(name))
    return list(missing.values())


def test_every_event_has_an_example_and_a_file() -> None:
    assert set(EXAMPLES) == set(EVENTS)
    assert {path.name for path in GOLDEN.iterdir()} >= {f"{name}.msgpack" for name in ("envelope.v1", *FILES)}


@pytest.mark.parametrize("file", sorted(FILES))
def test_what_was_published_is_read_as_what_it_was(file: str) -> None:
    envelope = decode_envelope((GOLDEN / f"{file}.msgpack").read_bytes())
    assert (envelope.v, envelope.id, envelope.ts_ms) == (1, ID, TS_MS)
    assert (envelope.type, envelope.key, envelope.ver) == (file[:-3], KEY, VER)
    assert decode_event(envelope) == FILES[file]


def test_an_envelope_is_read_as_what_it_was() -> None:
    envelope = decode_envelope((GOLDEN / "envelope.v1.msgpack").read_bytes())
    assert envelope == Envelope(
        1, "like.set", ID, TS_MS, KEY, VER, msgspec.Raw(b"\x80"), region="eu-1", trace="4bf92f3577b34da6"
    )


@pytest.mark.parametrize("name", ["envelope", *sorted(EVENTS)])
def test_an_example_is_written_as_it_was_then(name: str) -> None:
    assert current(name) == (GOLDEN / f"{NEWEST[name]}.msgpack").read_bytes()


def test_an_envelope_is_a_map_of_the_contracts_names() -> None:
    decoded = msgspec.msgpack.Decoder().decode((GOLDEN / "follow.set.v1.msgpack").read_bytes())
    assert set(decoded) == {"v", "type", "id", "ts_ms", "key", "ver", "region", "trace", "data"}
    assert decoded["data"] == {"a": KEY, "b": ID, "on": False}


if __name__ == "__main__":
    write_missing()
