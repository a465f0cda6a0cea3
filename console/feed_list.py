"""One feed as a list: in time order each tweet is shown, ranked each one opens to why it stands there."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from nicegui import ui

from console.figures import age, plain
from console.why import draw_why
from ranking.reasons import Candidate, Reasons


def draw_plain(candidate: Candidate, place: int, note: str) -> None:
    """`place` counts from 0; `note` says where it stands elsewhere."""
    with _item(candidate):
        ui.html(_words(candidate, place, note), sanitize=False).classes("tweet")


class RankedItem:
    """A tweet that opens and closes; `reasons` are asked for when it is opened."""

    def __init__(
        self,
        candidate: Candidate,
        place: int,
        up: int,
        value: float,
        reasons: Callable[[], Reasons],
        opened: set[int],
    ) -> None:
        self._candidate = candidate
        self._reasons = reasons
        self._opened = opened
        tweet_id = candidate.tweet.tweet_id
        where = (
            "not in time order"
            if candidate.in_time is None
            else f"place {candidate.in_time + 1} in time order"
        )
        with _item(candidate):
            self._button = ui.element("button").classes("tweet opener")
            self._button.props(f"type=button data-testid=explain-{tweet_id} aria-controls=why-{tweet_id}")
            self._button.on("click", self._turn, args=[])
            with self._button:
                ui.html(_words(candidate, place, f"{where} · value {plain(value)}", up), sanitize=False)
            self._panel = (
                ui.element("div").classes("why").props(f"id=why-{tweet_id} data-testid=why-{tweet_id}")
            )
        self._show()

    def _turn(self) -> None:
        self._opened ^= {self._candidate.at}
        self._show()

    def _show(self) -> None:
        is_open = self._candidate.at in self._opened
        self._button.props(f"aria-expanded={'true' if is_open else 'false'}")
        self._panel.clear()
        self._panel.set_visibility(is_open)
        if is_open:
            with self._panel:
                draw_why(self._candidate, self._reasons())


def more_button(left: int, show: Callable[[], None], mark: str) -> None:
    if left > 0:
        ui.button(f"Show more ({left} left)", on_click=show).props(f"flat no-caps data-testid=more-{mark}")


def _item(candidate: Candidate) -> ui.element:
    return ui.element("li").classes("card item").props(f"data-testid=item-{candidate.tweet.tweet_id}")


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
