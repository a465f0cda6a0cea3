"""The pages that a test has open, and what they said was wrong."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import BrowserContext, ConsoleMessage, Error, Page


class Sight:
    """`faults` are errors of scripts and on the consoles of all pages; who expects some takes them out."""

    def __init__(self, context: BrowserContext) -> None:
        self.faults: list[str] = []
        self._context = context

    async def open(self, url: str = "") -> Page:
        """Another tab."""
        page = await self._context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", self._fail)
        if url:
            await page.goto(url)
        return page

    async def take_pictures(self, stem: Path) -> list[Path]:
        """Of every page that is open, as PNG files beside `stem`."""
        files = []
        for number, page in enumerate(self._context.pages):
            file = stem.with_name(f"{stem.name}-{number}.png")
            await page.screenshot(path=file)
            files.append(file)
        return files

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"{message.text} ({message.location.get('url', '')})")

    def _fail(self, error: Error) -> None:
        self.faults.append(str(error))
