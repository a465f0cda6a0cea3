"""Health, as a person watches it: figures that move by themselves, and a process that dies."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.town import CHAMPION, Town


async def test_its_figures_move_by_themselves(page: Page, town: Town) -> None:
    await page.goto(town.url("/health"))
    await expect(page.get_by_test_id("processes")).to_contain_text("pipelines")
    await expect(page.get_by_test_id("lag")).to_contain_text("tweet_state")
    for _ in range(2):
        said = await page.get_by_test_id("last-minute").inner_text()
        await town.reader.page(algorithm="ranked")
        await expect(page.get_by_test_id("last-minute")).not_to_have_text(said)
    await expect(page.get_by_test_id("last-minute")).to_contain_text(re.compile(r"ranked pages?: .*full"))
    await expect(page.get_by_test_id("rungs").locator("rect.rung-full").first).to_be_visible()
    await expect(page.get_by_test_id("latency")).to_contain_text(re.compile(r"ranked\s*\d+\s*\d+\.\d"))
    await expect(page.get_by_test_id("features")).to_contain_text("viewer and author")
    api = page.get_by_test_id("processes").locator("tr", has_text=str(town.stack.pid("api")))
    for words in ("serves", CHAMPION, "full", "closed"):
        await expect(api).to_contain_text(words)


async def test_a_process_that_dies_is_shown_and_the_one_after_it_too(page: Page, town: Town) -> None:
    await page.goto(town.url("/health"))
    processes = page.get_by_test_id("processes")
    former = town.stack.pid("api")
    await expect(processes.locator("tr", has_text=str(former))).to_contain_text("serves")
    town.stack.kill("api")
    away = page.get_by_test_id("away")
    await expect(away).to_contain_text(re.compile(f"{former}.* is away"))
    await expect(away).to_contain_text("logs/api.log")
    town.stack.await_restart("api", former)
    anew = processes.locator("tr", has_text=str(town.stack.pid("api")))
    await expect(anew).to_contain_text("serves")
    await expect(processes.locator("tr", has_text="fanout")).to_contain_text("works")
