"""Compare, as a person uses it: somebody's two feeds, the reasons for a place, and other weights."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.browser.reader_page import items, move_slider
from tests.browser.town import LONG, POSTS, SHORT, Town


async def open_reader(page: Page, town: Town) -> None:
    """By the search, as somebody who knows the handle."""
    await page.goto(town.url("/"))
    search = page.get_by_test_id("viewer-search")
    await search.fill(f"p{town.reader.user_id}")
    await search.press("Enter")
    await expect(items(page, "ranked")).to_have_count(POSTS)


async def texts(page: Page, feed: str) -> list[str]:
    return await items(page, feed).all_inner_texts()


async def test_both_feeds_stand_side_by_side(page: Page, town: Town) -> None:
    await open_reader(page, town)
    in_time, ranked = await texts(page, "chronological"), await texts(page, "ranked")
    assert [LONG in text for text in in_time] == [number % 2 == 0 for number in reversed(range(POSTS))]
    served = (await town.reader.page(algorithm="ranked"))["tweets"]
    assert all(tweet["text"] in text for tweet, text in zip(served, ranked, strict=True))


async def test_a_place_opens_to_its_reasons_by_keyboard(page: Page, town: Town) -> None:
    await open_reader(page, town)
    opener = items(page, "ranked").first.get_by_role("button")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    why = items(page, "ranked").first.locator(".why")
    for word in ("click", "like", "t.length"):
        await expect(why).to_contain_text(word)
    await page.keyboard.press("Enter")
    await expect(why).to_be_hidden()


async def test_a_slider_makes_another_slate_and_saves_nothing(page: Page, town: Town) -> None:
    await open_reader(page, town)
    before = await texts(page, "ranked")
    assert LONG in before[0]
    # From 1 to below 0, where what is likely to be clicked is last.
    await move_slider(page, "click", "PageDown")
    await expect(page.get_by_test_id("rerank-changed")).to_contain_text("tweets move")
    await expect(items(page, "ranked").first).to_contain_text(SHORT)
    opener = items(page, "ranked").first.get_by_role("button")
    await opener.click()
    await expect(items(page, "ranked").first.locator(".why")).to_contain_text("click")
    await expect(page.get_by_test_id("command")).to_contain_text("rankfeed objective set --weight click=")
    await page.get_by_test_id("reset").click()
    await expect(items(page, "ranked").first).to_contain_text(LONG)
    meta = (await town.reader.page(algorithm="ranked"))["meta"]
    assert meta["objective"] == "engagement@1"


async def test_somebody_who_is_not_there_is_told_of(page: Page, town: Town) -> None:
    await page.goto(town.url("/?viewer=nobody-of-this-name"))
    await expect(page.get_by_test_id("problem")).to_contain_text("nobody")
    await expect(page.get_by_test_id("problem").locator(".todo")).not_to_be_empty()
