"""Compare: both feeds, reasons for each place, other weights for the same tweets, words where it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from console.vitals import RUNG
from core.types import User
from features.schema import FEATURES
from ranking.objective import Diversity, Objective, Terms, Weight
from tests.unit.console.pages import Pages, pages_of
from tests.unit.ranking.fake_ranking import FakeModel
from tests.unit.ranking.feed_world import VIEWER, FeedWorld

OBJECTIVE = Objective(
    1,
    "likes",
    3,
    "ann",
    "why not",
    {"like": Weight(4.0), "hide": Weight(-2.0, min=-8.0, max=0.0)},
    diversity=Diversity(decay=0.5, floor=0.1),
)
HEADS = ("click", "like", "hide")


class ManyHeads(FakeModel):
    """Likes the oldest, and expects clicks on the newest."""

    def __init__(self) -> None:
        super().__init__(self._said)
        self.heads = HEADS

    def _said(self, n: int) -> NDArray[np.float32]:
        rising = np.linspace(0.1, 0.9, n, dtype=np.float32)
        return np.stack([rising[::-1], rising, np.full(n, 0.1, np.float32)], axis=1)


@pytest.fixture
async def world() -> AsyncIterator[FeedWorld]:
    with ThreadPoolExecutor(1) as executor:
        made = FeedWorld(executor)
        made.post(21, *range(101, 105))
        made.post(22, 110, 111)
        made.post(31, 90, 91, followed=False)
        made.popular.ids = [90, 91]
        made.users.users[VIEWER] = User(VIEWER, "Vera", "Vera <b>Vale</b>", 0)
        made.use(OBJECTIVE)
        made.model = ManyHeads()
        yield made


@pytest.fixture
async def pages(world: FeedWorld, tmp_path: Path) -> AsyncIterator[Pages]:
    async with pages_of(world, tmp_path) as made:
        yield made


async def test_nobody_is_chosen_yet(pages: Pages) -> None:
    pages.people.here = [VIEWER]
    await pages.open("/")
    links = [one.props["data-testid"] for one in pages.one("people").descendants()]
    # Who was here, then whoever there is.
    assert links == [f"viewer-{VIEWER}", "viewer-21", "viewer-22", "viewer-31"]
    assert pages.one(f"viewer-{VIEWER}").props["href"] == f"/?viewer={VIEWER}"
    assert pages.all("ranked") == []


@pytest.mark.parametrize("said", [str(VIEWER), "vera", "@VERA", " Vera "])
async def test_both_feeds_of_whoever_is_named(pages: Pages, world: FeedWorld, said: str) -> None:
    await pages.open(f"/?viewer={said}")
    assert pages.shown("chronological") == [111, 110, 104, 103, 102, 101]
    served = await world.page(limit=8)
    assert pages.shown("ranked") == [item.root.tweet.tweet_id for item in served.items]
    assert "home@1" in pages.words(pages.one("ranked-by"))
    assert "likes@3" in pages.words(pages.one("ranked-by"))
    assert "Vera &lt;b&gt;Vale&lt;/b&gt;" in pages.words()


async def test_looking_records_and_pins_nothing(pages: Pages, world: FeedWorld) -> None:
    await pages.open("/?viewer=vera")
    assert pages.shown("ranked")
    assert (world.slates.slates, await world.served(), await world.scored()) == ({}, [], [])


async def test_a_ranked_tweet_opens_to_its_reasons_and_closes(pages: Pages) -> None:
    await pages.open("/?viewer=vera")
    first = pages.shown("ranked")[0]
    opener, why = pages.one(f"explain-{first}"), pages.one(f"why-{first}")
    assert opener.props["aria-expanded"] == "false"
    assert not why.visible
    pages.click(opener)
    assert opener.props["aria-expanded"] == "true"
    assert opener.props["aria-controls"] == why.props["id"]
    said = pages.words(why)
    assert why.visible
    for name in (*HEADS, *Terms._fields, "diversity", *FEATURES):
        assert f">{name}</th>" in said
    assert f"Tweet {first}." in said
    assert "in time order" in said
    pages.click(opener)
    assert opener.props["aria-expanded"] == "false"
    assert not why.visible


async def test_another_weight_puts_the_same_tweets_in_another_order(pages: Pages, world: FeedWorld) -> None:
    await pages.open("/?viewer=vera")
    served = pages.shown("ranked")
    assert pages.words(pages.one("rerank-changed")).startswith("Nothing moves")
    assert pages.all("command") == []
    opened = served[0]
    pages.click(pages.one(f"explain-{opened}"))
    # Nobody is asked for anything.
    world.timelines.away = world.tweets.away = world.features.away = True
    pages.set("weight-click", 9.5)
    moved = pages.shown("ranked")
    assert moved != served
    assert sorted(moved) == sorted(served)
    changed = sum(one != other for one, other in zip(served, moved, strict=True))
    assert f"{changed} of {len(served)} tweets move; 0 of the first 8 are new there." in pages.words(
        pages.one("rerank-changed")
    )
    assert pages.one("weight-click-slider").value == 9.5
    assert pages.words(pages.one("command")) == 'rankfeed objective set --weight click=9.5 --reason "…"'
    assert pages.one(f"explain-{opened}").props["aria-expanded"] == "true"
    assert ">9.5</td>" in pages.words(pages.one(f"why-{opened}"))
    pages.click(pages.one("reset"))
    assert pages.shown("ranked") == served
    assert pages.words(pages.one("rerank-changed")).startswith("Nothing moves")
    assert pages.one("weight-click").value == 0.0
    assert pages.all("command") == []


async def test_weights_stay_within_their_bounds(pages: Pages) -> None:
    await pages.open("/?viewer=vera")
    slider = pages.one("weight-hide-slider")
    assert (slider.props["min"], slider.props["max"], slider.value) == (-8.0, 0.0, -2.0)
    assert pages.one("weight-hide").props["label"] == "hide, \N{MINUS SIGN}8 to 0"
    pages.set("weight-hide", 5.0)
    assert pages.one("weight-hide-slider").value == pages.one("weight-hide").value == 0.0


async def test_weights_that_are_all_zero_are_not_possible(pages: Pages) -> None:
    await pages.open("/?viewer=vera")
    served = pages.shown("ranked")
    pages.set("weight-hide", 0.0)
    assert pages.all("command")
    pages.set("weight-like", 0.0)
    assert pages.all("command") == []
    assert "must have at least one that is not 0" in pages.words(pages.one("rerank-changed"))
    assert pages.shown("ranked") == served


@pytest.mark.parametrize(
    ("lose", "what", "todo"),
    [
        (lambda world: setattr(world, "model", None), "No model serves yet", "rankfeed train --promote"),
        (lambda world: world.open_breaker(), "The features took too long", "Health"),
        (lambda world: setattr(world.timelines, "origin", "store"), "Redis is away", "RANKFEED_REDIS_URL"),
        (lambda world: setattr(world.features, "flushed", True), "Redis was emptied", "come back"),
    ],
)
async def test_why_it_is_not_ranked_is_said_beside_the_feed_in_time_order(
    pages: Pages, world: FeedWorld, lose: Callable[[FeedWorld], object], what: str, todo: str
) -> None:
    lose(world)
    await pages.open("/?viewer=vera")
    assert pages.shown("chronological") == [111, 110, 104, 103, 102, 101]
    said = pages.words(pages.one("problem"))
    assert what in said
    assert todo in said
    assert pages.all("weight-like") == []


async def test_a_breaker_that_is_open_where_feeds_are_served_is_told(pages: Pages) -> None:
    well, ill = pages.stack.serves(1), pages.stack.serves(2)
    pages.stack.add(well, RUNG, 0)
    pages.stack.add(ill, RUNG, 2)
    await pages.open("/?viewer=vera")
    said = pages.words(pages.one("problem"))
    assert "1 of 2 serving processes rank less than this just now: rung 'cached'." in said
    assert "Health says why" in said
    assert pages.shown("ranked")


async def test_somebody_who_is_not_there(pages: Pages) -> None:
    await pages.open("/?viewer=<i>Nobody</i>")
    assert "There is nobody with the handle or the id '<i>Nobody</i>'" in pages.words(pages.one("problem"))
    assert pages.one("viewer-search").value == "<i>Nobody</i>"


@pytest.mark.parametrize("said", ["9" * 5_000, "0", str(2**64), "%00", "@", "é%20"])
async def test_nobody_is_called_like_that(pages: Pages, said: str) -> None:
    await pages.open(f"/?viewer={said}")
    assert "There is nobody with" in pages.words(pages.one("problem"))


async def test_tweets_that_cannot_be_read(pages: Pages, world: FeedWorld) -> None:
    world.tweets.away = True
    await pages.open("/?viewer=vera")
    assert "The tweets cannot be read" in pages.words(pages.one("problem"))
    assert pages.all("ranked") == []


async def test_who_follows_nobody(pages: Pages, world: FeedWorld) -> None:
    world.timelines.authors = {VIEWER}
    await pages.open("/?viewer=vera")
    assert "what is popular" in pages.words(pages.one("follows-nobody"))
    assert pages.shown("chronological") == []
    assert sorted(pages.shown("ranked")) == [90, 91]


async def test_an_empty_stack_says_how_to_fill_it(pages: Pages, world: FeedWorld) -> None:
    world.users.users.clear()
    await pages.open("/")
    assert "rankfeed import" in pages.words(pages.one("problem"))


@pytest.mark.parametrize("path", ["/", "/?viewer=vera"])
async def test_the_store_is_away(pages: Pages, path: str) -> None:
    pages.people.away = True
    await pages.open(path)
    said = pages.words(pages.one("problem"))
    assert "The store is away." in said
    assert "Health" in said


async def test_what_our_own_code_does_wrong_is_no_trace(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(user_ids: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(pages.people, "get_many", broken)
    status, page = await pages.fetch("/?viewer=7")
    assert status == 500
    assert "This page could not be made (RuntimeError)." in page
    assert "logs/console.log" in page
    assert "secret" not in page
    assert "Traceback" not in page
