"""Models, as a person uses it: promote with a reason, roll back, and what is refused."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.town import CHAMPION, Town
from tests.e2e.registries import registry_of

OTHER, SPOILT = "home@2", "home@3"


async def change(page: Page, testid: str, reason: str) -> None:
    """Asks for a change, gives a reason, and says yes."""
    await page.get_by_test_id(testid).click()
    await page.get_by_test_id("reason").fill(reason)
    await page.get_by_test_id("confirm-yes").click()


async def champion(town: Town) -> str:
    model: str = (await town.reader.page(algorithm="ranked"))["meta"]["model"]
    return model


async def test_a_model_is_promoted_for_a_reason_and_rolled_back(page: Page, town: Town) -> None:
    await page.goto(town.url("/models"))
    await expect(page.get_by_test_id("champion")).to_have_text(CHAMPION)
    await page.get_by_test_id(f"promote-{OTHER}").click()
    dialog = page.get_by_test_id("confirm")
    await expect(dialog).to_contain_text(f"{OTHER} becomes the champion instead of {CHAMPION}")
    await page.get_by_test_id("confirm-yes").click()
    await expect(dialog).to_contain_text("Say why")
    assert await champion(town) == CHAMPION
    await page.get_by_test_id("reason").fill("short ones <i>win</i>")
    await page.keyboard.press("Enter")
    done = page.get_by_test_id("done")
    await expect(done).to_have_text(re.compile(rf"{OTHER} is the champion: 1 of 1 in \d+ ms"))
    await expect(page.get_by_test_id("champion")).to_have_text(OTHER)
    await expect(page.get_by_test_id("history")).to_contain_text("short ones <i>win</i>")
    assert await champion(town) == OTHER
    await change(page, "rollback", "they did not")
    await expect(done).to_have_text(re.compile(rf"{CHAMPION} is the champion: 1 of 1 in \d+ ms"))
    assert await champion(town) == CHAMPION


async def test_nothing_changes_where_it_is_left(page: Page, town: Town) -> None:
    await page.goto(town.url("/models"))
    await page.get_by_test_id(f"promote-{OTHER}").click()
    await page.get_by_test_id("reason").fill("perhaps")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("confirm")).to_be_hidden()
    await expect(page.get_by_test_id("champion")).to_have_text(CHAMPION)


async def test_a_damaged_model_is_refused_and_says_why(page: Page, town: Town) -> None:
    await page.goto(town.url("/models"))
    await change(page, f"promote-{SPOILT}", "a try")
    problem = page.get_by_test_id("outcome")
    await expect(problem).to_contain_text(f"{SPOILT} cannot be promoted")
    await expect(problem).to_contain_text("damaged")
    await expect(problem).to_contain_text("promote another model")
    await expect(page.get_by_test_id("champion")).to_have_text(CHAMPION)


async def test_a_page_from_before_somebody_elses_promotion_is_told_of_it(page: Page, town: Town) -> None:
    await page.goto(town.url("/models"))
    await expect(page.get_by_test_id("champion")).to_have_text(CHAMPION)
    async with registry_of(town.stack) as registry:
        await registry.promote("home", "2", "meanwhile")
        await change(page, f"promote-{OTHER}", "too late")
        outcome = page.get_by_test_id("outcome")
        await expect(outcome).to_contain_text(
            f"another promotion came first: the test made {OTHER} the champion"
        )
        await expect(page.get_by_test_id("champion")).to_have_text(OTHER)
        await registry.rollback("as it was")


async def test_two_models_are_compared(page: Page, town: Town) -> None:
    await page.goto(town.url("/models"))
    difference = page.get_by_test_id("difference")
    await expect(difference).to_contain_text("the same features")
    await page.get_by_test_id("compare-other").click()
    await page.get_by_role("option", name=CHAMPION).click()
    await expect(difference).to_contain_text("the same graph, byte for byte")


async def test_a_card_opens_and_can_do_nothing(page: Page, town: Town) -> None:
    await page.goto(town.url("/models"))
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name=f"Card of {CHAMPION}").click()
    card = await opening.value
    await expect(card.get_by_role("heading")).to_have_text(CHAMPION)
    assert await card.evaluate("origin") == "null"


@pytest.mark.parametrize("path", ["home/9", "home/3", "..%2Fhome/1", "home/%2e%2e", "%2e%2e/%2e%2e"])
async def test_no_path_leads_elsewhere(path: str, town: Town) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(town.url(f"/models/card/{path}"))).status_code == 404
