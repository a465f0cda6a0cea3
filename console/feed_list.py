"""One feed as a list: in time order each tweet is shown, ranked each one opens to why it stands there."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from nicegui import ui

from console.figures import age, plain
from console.why import draw_why
from ranking.reasons import Candidate, Reasons


class PlainItem:
    """A place in a list, and the tweet that stands there now."""

    def __init__(self) -> None:
        self._item = ui.element("li").classes("card item")
        with self._item:
            self._words = ui.html("", sanitize=False).classes("tweet")

    def show(self, candidate: Candidate, place: int, note: str) -> None:
        """`place` counts from 0; `note` says where it stands elsewhere."""
        self._item.props["data-testid"] = f"item-{candidate.tweet.tweet_id}"
        self._words.content = _words(candidate, place, note)


class RankedItem:
    """As PlainItem, but that it opens and closes; what is open is remembered by candidate, in `opened`."""

    def __init__(self, opened: set[int]) -> None:
        self._opened = opened
        self._at = -1
        self._why: Callable[[], None] | None = None
        self._item = ui.element("li").classes("card item")
        with self._item:
            self._button = ui.element("button").classes("tweet opener").props("type=button")
            self._button.on("click", self._turn, args=[])
            with self._button:
                self._words = ui.html("", sanitize=False)
            self._panel = ui.element("div").classes("why")

    def show(
        self, candidate: Candidate, place: int, up: int, value: float, reasons: Callable[[], Reasons]
    ) -> None:
        """`up` is by how many places it stands higher than what is served; `reasons` are asked for if it is
        open."""
        tweet_id = candidate.tweet.tweet_id
        time = "not in" if candidate.in_time is None else f"place {candidate.in_time + 1} in"
        self._at = candidate.at
        self._why = lambda: draw_why(candidate, reasons())
        self._words.content = _words(candidate, place, f"{time} time order · value {plain(value)}", up)
        self._item.props["data-testid"] = f"item-{tweet_id}"
        self._panel.props["id"] = self._panel.props["data-testid"] = f"why-{tweet_id}"
        self._button.props["data-testid"] = f"explain-{tweet_id}"
        self._button.props["aria-controls"] = f"why-{tweet_id}"
        self._fill()

    def _turn(self) -> None:
        self._opened ^= {self._at}
        self._fill()

    def _fill(self) -> None:
        is_open = self._at in self._opened
        self._button.props["aria-expanded"] = "true" if is_open else "false"
        self._panel.set_visibility(is_open)
        self._panel.clear()
        if is_open and self._why is not None:
            with self._panel:
                self._why()


def more_button(left: int, show: Callable[[], None], mark: str) -> None:
    if left > 0:
        ui.button(f"Show more ({left} left)", on_click=show).props(f"flat no-caps data-testid=more-{mark}")


def _words(candidate: Candidate, place: int, note: str, up: int = 0) -> str:
    author = "somebody without a profile" if candidate.author is None else f"@{candidate.author.handle}"
    said = [author, age(candidate.age_s)]
    if candidate.by is not None:
        said.append(f"retweeted by @{candidate.by.handle}")
    if candidate.source != "timeline":
        said.append(candidate.source)
    return (
        f'<span class="place">{place + 1}</span><span class="body">'
        f'<span class="by">{escape(" · ".join(said))}{_moved(up)}</span>'
        f'<span class="text">{escape(candidate.tweet.text)}</span>'
        f'<span class="note">{escape(note)}</span></span>'
    )


def _moved(up: int) -> str:
    """How far it moved: an arrow for who sees it, words for who hears it."""
    if not up:
        return ""
    way, arrow = ("up", "▲") if up > 0 else ("down", "▼")
    seen, heard = f'<span aria-hidden="true">{arrow}</span>', f'<span class="hush"> places {way}</span>'
    return f' <span class="moved {way}">{seen}{abs(up)}{heard}</span>'
