"""Takes the picture of the console that the README shows.

python -m tests.browser.screenshots           # of a small demo, which takes a minute or two
python -m tests.browser.screenshots URL       # of a page of a console that runs already
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.browser.chromium import LAUNCH_ARGUMENTS, ensure, this_machine
from tests.browser.kept_demo import kept_demo
from tests.browser.reader_page import items, move_slider
from tests.e2e.live_stack import ROOT

PICTURE = ROOT / "docs" / "images" / "console.png"
MAX_BYTES = 300 * 1024
WIDTH, HEIGHT = 1280, 1200
PATIENCE_MS = 60_000


async def take(link: str, file: Path) -> None:
    """Compare with a weight moved and the first place opened to its reasons."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=ensure(this_machine()), args=[*LAUNCH_ARGUMENTS]
        )
        page = await browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )
        await page.goto(link)
        await expect(items(page, "ranked").first).to_be_visible()
        await move_slider(page, "like", "PageUp")
        await expect(page.get_by_test_id("rerank-changed")).to_contain_text("move")
        await items(page, "ranked").first.get_by_role("button").click()
        await expect(items(page, "ranked").first.locator(".why")).to_be_visible()
        # Nothing has the focus, and the page is seen from its top.
        await page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
        file.parent.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=file)
        await browser.close()


def main() -> int:
    with ExitStack() as opened:
        if len(sys.argv) > 1:
            link = sys.argv[1]
        else:
            home = Path(opened.enter_context(tempfile.TemporaryDirectory())) / "home"
            link = opened.enter_context(kept_demo(home)).link
        asyncio.run(take(link, PICTURE))
    size = PICTURE.stat().st_size
    if size > MAX_BYTES:
        sys.stderr.write(f"{PICTURE} has {size:,} bytes; the README's pictures have {MAX_BYTES:,} at most\n")
        return 1
    sys.stdout.write(f"{PICTURE}: {size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
