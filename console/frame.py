"""What all pages have around them: links, light or dark, and the one place where errors are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Literal

import structlog
from nicegui import context, ui

from core.errors import ConfigurationError, RankfeedError, Unavailable

PAGES = (("/", "Compare"), ("/models", "Models"), ("/health", "Health"))
STYLE = Path(__file__).with_name("style.css")
ANSWER_S = 15.0
"""So long a page may take to be made: Compare waits up to 5 s for a feed, and 2 s for a look at the stack."""

Shade = Literal["auto", "light", "dark"]
_DARK: dict[str, bool | None] = {"auto": None, "light": False, "dark": True}
_SHADES: dict[Shade, str] = {"auto": "◐", "dark": "●", "light": "○"}
_NEXT: dict[Shade, Shade] = {"auto": "dark", "dark": "light", "light": "auto"}
_COOKIE = "rankfeed_shade"
_YEAR_S = 365 * 86_400

_logger = structlog.get_logger("console")


@contextmanager
def frame(title: str) -> Iterator[None]:
    """A page's head and main part; `title` is that of one of PAGES. Within, `problem` and `told` may be used.

    No utility classes: `style.css` has the few classes that the pages share (`card`, `row`, `muted`, …).
    """
    ui.page_title(f"{title} · rankfeed")
    ui.add_css(STYLE.read_text())
    ui.html('<a class="skip" href="#main">To the content</a>', sanitize=False)
    with ui.element("header").classes("bar"):
        ui.label("rankfeed").classes("brand")
        with ui.element("nav").props('aria-label="Pages"').classes("links"):
            for path, name in PAGES:
                link = ui.link(name, path).props(f"data-testid=to-{name.lower()}")
                if name == title:
                    link.props('aria-current="page"')
        _shade_switch()
    with ui.element("main").props('id=main tabindex="-1"').classes("main"):
        yield


def heading(text: str, level: Literal[1, 2, 3] = 1, name: str = "") -> None:
    """`name` is its id, for what it is the heading of (`aria-labelledby`)."""
    made = ui.html(escape(text), sanitize=False, tag=f"h{level}").classes(f"h{level}")
    if name:
        made.props(f"id={name}")


def problem(what: str, todo: str = "") -> None:
    """Something is not as it should be: what, and what to do. Shown where it is called."""
    with ui.element("div").classes("problem").props('role="alert" data-testid=problem'):
        ui.label(what).classes("what")
        if todo:
            ui.label(todo).classes("todo")


@contextmanager
def told(todo: str = "") -> Iterator[None]:
    """What goes wrong inside is told on the page, with what to do; nothing of it is a trace."""
    try:
        yield
    except RankfeedError as exc:
        _logger.warning("page_failed", error=str(exc))
        problem(sentence(exc), todo or what_to_do(exc))


def sentence(error: RankfeedError) -> str:
    """An error's words, which go on from a program's name, as a sentence of their own."""
    words = str(error)
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."


def what_to_do(error: RankfeedError) -> str:
    if isinstance(error, Unavailable):
        return "Look at Health what is away; reload this page once it is back."
    if isinstance(error, ConfigurationError):
        return ""
    return (
        "Reload this page; if it stays so, the console's log says more (logs/console.log in RANKFEED_HOME)."
    )


def _shade_switch() -> None:
    """By the system's preference until somebody chooses; the choice is a cookie, so that nothing flashes."""
    request = context.client.request
    chosen = request.cookies.get(_COOKIE, "auto")
    shade: Shade = chosen if chosen in _NEXT else "auto"
    dark = ui.dark_mode(_DARK[shade])

    def turn() -> None:
        nonlocal shade
        shade = _NEXT[shade]
        dark.value = _DARK[shade]
        show()
        ui.run_javascript(
            f"document.cookie = '{_COOKIE}={shade}; path=/; max-age={_YEAR_S}; samesite=strict'"
        )

    def show() -> None:
        button.set_text(_SHADES[shade])
        words = {"auto": "as the system has them"}.get(shade, shade)
        button.props(f'aria-label="Colours: {words}" title="Colours: {words}"')

    button = ui.button(on_click=turn).props("flat dense no-caps data-testid=shade").classes("shade")
    show()
