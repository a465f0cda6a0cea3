"""What every page of the console is held to: keyboard, a phone, the dark, and a way to the others."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.town import Town

PATHS = {"compare": "/?viewer={reader}", "models": "/models", "health": "/health"}
PHONE_WIDTH, PHONE_HEIGHT = 390, 844
READABLE = 4.5

# By WCAG 2: of all words their colour against the first background below them, and those that are too weak.
TOO_WEAK = """least => {
  const rgba = css => css.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0.05);
  const ground = element => {
    const colour = getComputedStyle(element).backgroundColor;
    return rgba(colour)[3] === 0 ? ground(element.parentElement) : colour;
  };
  return [...document.querySelectorAll('header *, main *')]
    .filter(one => one.checkVisibility() && [...one.childNodes].some(
      child => child.nodeType === Node.TEXT_NODE && child.textContent.trim()))
    .map(one => {
      const [word, paper] = [getComputedStyle(one).color, ground(one)].map(css => light(rgba(css)));
      return [Math.max(word, paper) / Math.min(word, paper), one.textContent];
    })
    .filter(([ratio, _]) => ratio < least);
}"""

# Whatever can be used and says nothing of itself to those who do not see it.
NAMELESS = """() => [...document.querySelectorAll('a, button, input, [role=slider], [role=combobox]')]
  .filter(one => one.checkVisibility() && one.type !== 'hidden')
  .filter(one => !(one.textContent.trim() || one.ariaLabel || one.title || one.labels?.length
    || one.closest('label')))
  .map(one => one.outerHTML)"""


@pytest.fixture(params=sorted(PATHS))
def path(request: pytest.FixtureRequest, town: Town) -> str:
    return town.url(PATHS[request.param].format(reader=town.reader.user_id))


async def test_the_keyboard_is_enough(page: Page, path: str) -> None:
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert await page.evaluate(NAMELESS) == []
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_text("To the content")
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.get_by_test_id("to-compare").focus()
    for name in ("models", "health"):
        await page.keyboard.press("Tab")
        await expect(page.get_by_test_id(f"to-{name}")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Health")


async def test_it_can_be_read_on_a_phone_in_the_light_and_in_the_dark(page: Page, path: str) -> None:
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    body = page.locator("body")
    for width, height in ((1280, 900), (PHONE_WIDTH, PHONE_HEIGHT)):
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.emulate_media(color_scheme="light")
        await expect(body).to_contain_class("body--light")
        assert await page.evaluate(TOO_WEAK, READABLE) == []
        await page.emulate_media(color_scheme="dark")
        await expect(body).to_contain_class("body--dark")
        assert await page.evaluate(TOO_WEAK, READABLE) == []


async def test_the_choice_of_colours_stays(page: Page, town: Town) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto(town.url("/models"))
    await page.get_by_test_id("shade").click()
    await expect(page.locator("body")).to_contain_class("body--dark")
    await page.goto(town.url("/health"))
    await expect(page.locator("body")).to_contain_class("body--dark")
