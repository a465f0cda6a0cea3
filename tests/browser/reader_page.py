"""The page Compare in the hands of a person."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect


def items(page: Page, feed: str) -> Locator:
    """The tweets of a feed (`ranked` or `chronological`), in their order."""
    return page.get_by_test_id(feed).locator("li")


async def order_of(page: Page) -> list[str | None]:
    """The ranked tweets, by what tells them apart."""
    return [await item.get_attribute("data-testid") for item in await items(page, "ranked").all()]


async def move_slider(page: Page, head: str, key: str) -> None:
    """By keyboard: `PageUp` and `PageDown` are a tenth of the way. Returns when the slate is that of the new
    weight, which is shown beside the slider with it."""
    slider = page.get_by_role("slider", name=f"weight of {head},")
    number = page.get_by_test_id(f"weight-{head}")
    before = await number.input_value()
    await slider.focus()
    await slider.press(key)
    await expect(number).not_to_have_value(before)
