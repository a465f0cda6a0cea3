"""A Chromium for the directory, and a page of it for each test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.chromium import LAUNCH_ARGUMENTS, find, this_machine
from tests.browser.sight import Sight
from tests.browser.town import Town, small_town
from tests.e2e.waiting import PATIENCE_S

_FAILED = pytest.StashKey[bool]()

# No test asserts on time: what does not come within this does not come.
expect.set_options(timeout=PATIENCE_S * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Chromium is spoken to on one event loop: all tests of the directory run on it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets a test's fixtures know how it went."""
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    executable = find(this_machine())
    assert executable is not None, "no Chromium: `make chromium` finds or installs one, or says what to do"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=[*LAUNCH_ARGUMENTS])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One for all tests; who changes what others rely on changes it back."""
    async with small_town(tmp_path_factory.mktemp("town") / "home") as town:
        yield town


@pytest_asyncio.fixture(loop_scope="package")
async def sight(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Sight]:
    """What a person has before them; the test fails where a page of it says that something is wrong.

    Pictures of what was seen when a test failed lie below .pytest_cache/d/browser.
    """
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    seen = Sight(context)
    yield seen
    if request.node.stash.get(_FAILED, True) or seen.faults:
        directory = request.config.cache.mkdir("browser")
        for file in await seen.take_pictures(directory / request.node.name):
            sys.stderr.write(f"picture: {file}\n")
    await context.close()
    assert not seen.faults, seen.faults


@pytest_asyncio.fixture(loop_scope="package")
async def page(sight: Sight) -> Page:
    return await sight.open()
