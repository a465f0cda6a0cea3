"""Cursors and tracking tokens: what was signed reads back for its viewer, and nothing else does."""

from __future__ import annotations

import base64
import string
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import CursorInvalid, InvalidField
from core.ids import MAX_ID, UserId
from feed_api.signatures import MAX_CURSOR_CHARS, MAX_TRACKING_CHARS, Signer, Tracked
from ranking.query import FeedPosition

SIGNER = Signer(bytes(range(32)))
VIEWER = UserId(42)

_ids = st.integers(0, MAX_ID)
_viewers = st.integers(1, MAX_ID).map(UserId)
_slate_ids = st.text(string.ascii_letters + string.digits + "-_", min_size=12, max_size=12)
_positions = st.builds(
    FeedPosition,
    mode=st.sampled_from(["c", "r"]),
    below=_ids,
    slate=st.one_of(st.just(""), _slate_ids),
    index=st.integers(0, 1_000_000),
    floor=_ids,
    top=_ids,
)
_tracked = st.builds(
    Tracked,
    request_id=st.uuids(),
    tweet=st.integers(1, MAX_ID),
    author=st.integers(1, MAX_ID),
    position=st.integers(0, 0xFFFF),
)
EXTREME = FeedPosition("r", below=MAX_ID, slate="-" * 12, index=2**31, floor=MAX_ID, top=MAX_ID)


@given(viewer=_viewers, position=_positions)
@example(viewer=UserId(MAX_ID), position=EXTREME)
def test_a_cursor_reads_back_and_is_short(viewer: UserId, position: FeedPosition) -> None:
    cursor = SIGNER.cursor(viewer, position)
    assert len(cursor) <= MAX_CURSOR_CHARS
    assert set(cursor) <= set(string.ascii_letters + string.digits + "-_")
    assert SIGNER.read_cursor(viewer, cursor) == position


@given(position=_positions, place=st.integers(min_value=0), change=st.integers(1, 255))
def test_a_cursor_with_one_byte_changed_is_refused(position: FeedPosition, place: int, change: int) -> None:
    text = SIGNER.cursor(VIEWER, position)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[place % len(raw)] ^= change
    with pytest.raises(CursorInvalid):
        SIGNER.read_cursor(VIEWER, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(position=_positions, cut=st.integers(1, 300))
def test_a_cursor_cut_short_is_refused(position: FeedPosition, cut: int) -> None:
    with pytest.raises(CursorInvalid):
        SIGNER.read_cursor(VIEWER, SIGNER.cursor(VIEWER, position)[:-cut])


@given(text=st.text(max_size=300))
def test_any_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(CursorInvalid):
        SIGNER.read_cursor(VIEWER, text)


@given(position=_positions, other=_viewers.filter(lambda viewer: viewer != VIEWER))
def test_another_viewers_cursor_is_refused(position: FeedPosition, other: UserId) -> None:
    with pytest.raises(CursorInvalid):
        SIGNER.read_cursor(VIEWER, SIGNER.cursor(other, position))


@given(viewer=_viewers, user=_viewers, below=_ids)
@example(viewer=UserId(MAX_ID), user=UserId(MAX_ID), below=MAX_ID)
def test_a_cursor_of_a_users_tweets_reads_back_for_that_user(
    viewer: UserId, user: UserId, below: int
) -> None:
    cursor = SIGNER.user_cursor(viewer, user, below)
    assert len(cursor) <= MAX_CURSOR_CHARS
    assert SIGNER.read_user_cursor(viewer, user, cursor) == below
    for other_viewer, other_user in ((viewer, UserId(user - 1)), (UserId(viewer - 1), user)):
        with pytest.raises(CursorInvalid):
            SIGNER.read_user_cursor(other_viewer, other_user, cursor)


@given(position=_positions, below=_ids)
def test_cursors_of_feeds_and_of_users_tweets_are_not_each_others(position: FeedPosition, below: int) -> None:
    with pytest.raises(CursorInvalid):
        SIGNER.read_cursor(VIEWER, SIGNER.user_cursor(VIEWER, UserId(7), below))
    for user in (UserId(0), UserId(7)):
        with pytest.raises(CursorInvalid):
            SIGNER.read_user_cursor(VIEWER, user, SIGNER.cursor(VIEWER, position))


@given(tracked=_tracked, viewer=_viewers)
@example(tracked=Tracked(uuid.UUID(int=2**128 - 1), MAX_ID, MAX_ID, 0xFFFF), viewer=UserId(MAX_ID))
def test_a_tracking_token_reads_back_and_is_short(tracked: Tracked, viewer: UserId) -> None:
    token = SIGNER.tracking(viewer, tracked)
    assert len(token) <= MAX_TRACKING_CHARS
    assert SIGNER.read_tracking(viewer, token) == tracked


@given(tracked=_tracked, place=st.integers(min_value=0), change=st.integers(1, 255))
def test_a_tracking_token_with_one_byte_changed_is_refused(tracked: Tracked, place: int, change: int) -> None:
    text = SIGNER.tracking(VIEWER, tracked)
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[place % len(raw)] ^= change
    with pytest.raises(InvalidField):
        SIGNER.read_tracking(VIEWER, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(tracked=_tracked, other=_viewers.filter(lambda viewer: viewer != VIEWER))
def test_another_viewers_tracking_token_is_refused(tracked: Tracked, other: UserId) -> None:
    with pytest.raises(InvalidField):
        SIGNER.read_tracking(VIEWER, SIGNER.tracking(other, tracked))


@given(text=st.text(max_size=100))
def test_any_text_is_refused_as_a_tracking_token(text: str) -> None:
    with pytest.raises(InvalidField):
        SIGNER.read_tracking(VIEWER, text)


@given(tracked=_tracked, position=_positions)
def test_every_token_has_one_spelling(tracked: Tracked, position: FeedPosition) -> None:
    for text, read in (
        (SIGNER.tracking(VIEWER, tracked), SIGNER.read_tracking),
        (SIGNER.cursor(VIEWER, position), SIGNER.read_cursor),
    ):
        for other in (text + "=", text + " ", "\n" + text, text + "A"):
            with pytest.raises((InvalidField, CursorInvalid)):
                read(VIEWER, other)


def test_another_secret_refuses_both() -> None:
    other = Signer(bytes(32))
    tracked = Tracked(uuid.UUID(int=1), 1, 2, 3)
    with pytest.raises(CursorInvalid):
        other.read_cursor(VIEWER, SIGNER.cursor(VIEWER, EXTREME))
    with pytest.raises(InvalidField):
        other.read_tracking(VIEWER, SIGNER.tracking(VIEWER, tracked))


def test_a_cursor_is_no_tracking_token() -> None:
    tracked = Tracked(uuid.UUID(int=1), 1, 2, 3)
    with pytest.raises(CursorInvalid):
        SIGNER.read_cursor(VIEWER, SIGNER.tracking(VIEWER, tracked))


def test_a_place_too_deep_to_be_carried_is_the_deepest() -> None:
    token = SIGNER.tracking(VIEWER, Tracked(uuid.UUID(int=1), 1, 2, 1_000_000))
    assert SIGNER.read_tracking(VIEWER, token).position == 0xFFFF
