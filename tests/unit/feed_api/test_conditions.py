"""Tags stand for what is seen, and for nothing that is new each time."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from core.ids import TweetId, UserId
from core.types import Tweet, User
from feed_api.conditions import body_tag, feed_tag, is_known
from ranking.query import FeedMeta, FeedPage, FeedPosition
from stores.ports import Counts
from tests.unit.ranking.items import feed_item

ADA = User(UserId(21), "ada", "Ada", 1)
FIRST, SECOND = (Tweet(TweetId(number), UserId(21), "x", 1) for number in (102, 101))
META = FeedMeta("ranked", "ranked", "full", None, "home@1", "engagement@1", "slate")
ITEMS = [feed_item(FIRST, ADA, 0), feed_item(SECOND, ADA, 1)]
PAGE = FeedPage(ITEMS, FeedPosition("r", slate="slate"), META)
VIEWER = UserId(7)
TAG = feed_tag(VIEWER, PAGE)


def _shown(*tweets: Tweet, author: User = ADA) -> FeedPage:
    return replace(PAGE, items=[feed_item(tweet, author, i) for i, tweet in enumerate(tweets)])


SEEN: dict[str, FeedPage] = {
    "another order": _shown(SECOND, FIRST),
    "one less": _shown(FIRST),
    "another tweet": _shown(FIRST, Tweet(TweetId(100), UserId(21), "x", 1)),
    "another text": _shown(FIRST, msgspec.structs.replace(SECOND, text="y")),
    "a name that was changed": _shown(FIRST, SECOND, author=User(UserId(21), "ada", "Ada L.", 1)),
    "another like": replace(PAGE, items=[ITEMS[0], feed_item(SECOND, ADA, 1, Counts(likes=1))]),
    "the end": replace(PAGE, next_position=None),
    "another algorithm": replace(PAGE, meta=replace(META, algorithm_served="chronological")),
    "another rung": replace(PAGE, meta=replace(META, rung="chronological")),
    "another reason": replace(PAGE, meta=replace(META, reason="cache_away")),
    "not everybody asked": replace(PAGE, meta=replace(META, partial=True)),
}


@pytest.mark.parametrize("page", list(SEEN.values()), ids=list(SEEN))
def test_what_is_seen_makes_another_tag(page: FeedPage) -> None:
    assert feed_tag(VIEWER, page) != TAG


def test_what_is_not_seen_does_not() -> None:
    again = replace(
        PAGE,
        next_position=FeedPosition("r", slate="other"),
        meta=replace(META, slate="other", model="home@2"),
    )
    assert feed_tag(VIEWER, again) == TAG


def test_it_is_the_viewers_own() -> None:
    assert feed_tag(UserId(8), PAGE) != TAG


def test_it_is_weak_and_has_the_form_of_one() -> None:
    for tag in (TAG, body_tag(b"{}")):
        assert tag.startswith('W/"')
        assert tag.endswith('"')
        assert tag[3:-1].isascii()
        assert '"' not in tag[3:-1]


@pytest.mark.parametrize(
    "values",
    [
        [TAG],
        [TAG.removeprefix("W/")],
        ["*"],
        [" * "],
        [f'"a", {TAG}'],
        [f'W/"a,b",{TAG} , "c"'],
        ['"a"', TAG],
        [f"{TAG},"],
    ],
)
def test_it_is_known(values: list[str]) -> None:
    assert is_known(TAG, values)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ['""'],
        ['W/"other"'],
        [TAG[3:-1]],
        [TAG.swapcase()],
        ['"*"'],
        [f'"x{TAG[3:]}'],
        ["nonsense, \xff"],
        ['"' * 5_000],
        ["*, *"],
    ],
)
def test_it_is_not_known(values: list[str]) -> None:
    assert not is_known(TAG, values)
