"""The page Compare in the hands of a person."""

from __future__ import annotations

from playwright.async_api import Locator, Page


def items(page: Page, feed: str) -> Locator:
    """The tweets of a feed (`ranked` or `chronological`), in their order."""
    return page.get_by_test_id(feed).locator("li")


async def order_of(page: Page) -> list[str | None]:
    """The ranked tweets, by what tells them apart."""
    return [await item.get_attribute("data-testid") for item in await items(page, "ranked").all()]


async def move_slider(page: Page, head: str, key: str, times: int) -> None:
    """By keyboard: `PageUp` and `PageDown` are ten steps, the arrows one."""
    await page.get_by_test_id(f"weight-{head}-slider").locator("[tabindex='0']").focus()
    for _ in range(times):
        await page.keyboard.press(key)
