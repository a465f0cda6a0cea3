"""What somebody does first: runs the demo, opens the page that it tells of, moves a slider, asks why."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.kept_demo import kept_demo
from tests.browser.reader_page import items, move_slider, order_of
from wiring.home import Home


async def test_from_the_demo_to_a_slate_that_one_made_oneself(page: Page, tmp_path: Path) -> None:
    with kept_demo(tmp_path / "home") as demo:
        figures = json.loads(demo.told.read_text())
        assert (figures["lost"], figures["doubled"]) == (0, 0)
        assert figures["utility"].keys() >= {"chronological", "random", "ranked", "oracle", "lift"}
        await page.goto(demo.link)
        await expect(items(page, "ranked").first).to_be_visible()
        served = await order_of(page)
        # What is likely to be clicked goes down.
        await move_slider(page, "click", "PageDown")
        await expect(page.get_by_test_id("rerank-changed")).to_contain_text("tweets move")
        assert await order_of(page) != served
        await items(page, "ranked").first.get_by_role("button").click()
        why = items(page, "ranked").first.locator(".why")
        for word in ("click", "freshness", "diversity"):
            await expect(why).to_contain_text(word)
        await page.goto("about:blank")
        assert demo.stop() == 0, demo.output.read_text()
    assert Home(tmp_path / "home").state() is None
