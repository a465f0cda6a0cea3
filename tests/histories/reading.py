"""Reads, and what they must show.

Where everything has been heard a page is exactly the truth's. Before that it may lack what is on its way,
and still shows nothing twice, in no other order than that of time, nothing that was taken from the viewer
by an answered request, and everything of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stores.ports import Counts
from tests.histories.history import History
from tests.histories.interruption import Operation
from tests.histories.sizes import PAGE
from tests.histories.steps import Read

_MANY_PAGES = 60
_STRUCK = {0, 503}
"""What may come of a request in the middle of which something happened."""


@dataclass(frozen=True, slots=True)
class Scroll:
    """Where a viewer stands: the cursor that was given, and the first and the last id that were shown."""

    cursor: str | None = None
    top: int | None = None
    below: int | None = None
    pages: int = 0

    def after(self, cursor: str, shown: list[int]) -> Scroll:
        return Scroll(cursor, self.top or shown[0], shown[-1], self.pages + 1)


class Reading:
    def __init__(self, history: History) -> None:
        self._history = history
        self._truth = history.truth
        self._scrolls: dict[int, Scroll] = {}

    async def read(self, step: Read, operation: Operation) -> None:
        people = self._history.cast.people
        viewer = people[step.viewer % len(people)]
        for number in range(step.pages):
            one = operation if number == 0 else Operation()
            scroll = Scroll() if step.refresh else self._scrolls.pop(viewer, Scroll())
            if scroll.cursor is not None:
                self._history.happened["page in a scroll"] += 1
            self._scrolls[viewer] = await self._page(viewer, scroll, step.via, one, refresh=step.refresh)
            if one.struck == "held":
                # Whoever had it go on may not have said yet what came of their own.
                return

    async def whole_feed(self, viewer: int, via: int) -> None:
        """Page by page to its end; each must be the truth's."""
        scroll = Scroll()
        for page in range(_MANY_PAGES):
            scroll = await self._page(viewer, scroll, via + page, Operation())
            if scroll.cursor is None:
                return
        raise AssertionError(f"the feed of {viewer} does not end")

    async def whole_timeline(self, viewer: int, author: int, via: int) -> None:
        """What the viewer finds on an author's page, to its end."""
        expected = self._truth.timeline(author, viewer)
        query = {"limit": str(PAGE)}
        path = f"/v1/users/{author}/tweets"
        for number in range(_MANY_PAGES):
            answer = await self._history.request(Operation(), "GET", path, user=viewer, via=via, query=query)
            if self._truth.is_blocked(viewer, author):
                assert answer.status == 404, answer
                return
            assert answer.status == 200, answer
            page = answer.json()
            where = f"page {number + 1} of {author}'s, as {viewer} sees it"
            shown = [int(tweet["tweet_id"]) for tweet in page["tweets"]]
            assert shown == expected[:PAGE], f"{where}: {shown}, and not {expected[:PAGE]}"
            assert page["has_more"] == (len(expected) > PAGE), f"{where}: {page['has_more']}"
            for tweet in page["tweets"]:
                self._check_tweet(where, tweet)
            if not page["has_more"]:
                return
            expected = expected[PAGE:]
            query["cursor"] = page["next_cursor"]
        raise AssertionError(f"the page of {author} does not end")

    async def single_tweets(self, viewer: int) -> None:
        """Every tweet by its id: what is gone is gone, and across a block there is nothing."""
        for tweet, told in self._truth.tweets.items():
            root = self._truth.tweets[told.root]
            # Of a retweet that is gone nobody knows any more whose tweet it was.
            authors = {told.author} if told.deleted else {told.author, root.author}
            expected = 200
            if told.deleted or root.deleted:
                expected = 410
            if any(self._truth.is_blocked(viewer, author) for author in authors):
                expected = 404
            answer = await self._history.request(Operation(), "GET", f"/v1/tweets/{tweet}", user=viewer)
            assert answer.status == expected, f"{tweet} is {answer.status} to {viewer}, and not {expected}"
            if answer.status == 200:
                self._check_tweet(f"{tweet} by itself", answer.json())

    async def _page(
        self, viewer: int, scroll: Scroll, via: int, operation: Operation, *, refresh: bool = False
    ) -> Scroll:
        """Where the scroll stands afterwards."""
        history = self._history
        quiet = await history.settled()
        query = {"limit": str(PAGE)}
        if scroll.cursor is not None:
            query["cursor"] = scroll.cursor
        if refresh:
            query["refresh"] = "1"
        answer = await history.request(operation, "GET", "/v1/feed", user=viewer, via=via, query=query)
        if answer.status != 200:
            assert operation.struck, answer
            assert answer.status in _STRUCK, answer
            return scroll
        page = answer.json()
        if page["meta"]["partial"] or page["meta"]["rung"] == "last_page":
            assert operation.struck is not None, page["meta"]
            return scroll
        where = f"page {scroll.pages + 1} of {viewer}"
        shown = [int(tweet["tweet_id"]) for tweet in page["tweets"]]
        if operation.struck != "held":
            self._check_any(where, viewer, scroll, page, shown)
            if quiet:
                self._check_exact(where, viewer, scroll, page, shown)
        if not page["has_more"]:
            return Scroll()
        return scroll.after(page["next_cursor"], shown)

    def _check_any(
        self, where: str, viewer: int, scroll: Scroll, page: dict[str, Any], shown: list[int]
    ) -> None:
        assert page["has_more"] == (page["next_cursor"] is not None)
        assert len(shown) == PAGE or (len(shown) < PAGE and not page["has_more"]), (
            f"{where} is short: {shown}"
        )
        assert shown == sorted(set(shown), reverse=True), f"{where} is in disorder: {shown}"
        assert scroll.below is None or all(one < scroll.below for one in shown), f"{where} goes back"
        if self._history.unclean:
            return
        roots = [self._truth.tweets[one].root for one in shown]
        assert len(set(roots)) == len(roots), f"{where} shows something twice: {shown}"
        refused = [one for one in shown if not self._truth.may_show(viewer, one)]
        assert not refused, f"{where} shows what was taken from them: {refused}"
        own = [one for one in self._expected(viewer, scroll) if self._truth.tweets[one].author == viewer]
        lacking = [
            one for one in own[:PAGE] if one not in shown and (not page["has_more"] or one > shown[-1])
        ]
        assert not lacking, f"{where} lacks their own: {lacking}"

    def _check_exact(
        self, where: str, viewer: int, scroll: Scroll, page: dict[str, Any], shown: list[int]
    ) -> None:
        expected = self._expected(viewer, scroll)
        assert shown == expected[:PAGE], f"{where} shows {shown}, and not {expected[:PAGE]}"
        assert page["has_more"] == (len(expected) > PAGE), f"{where} says {page['has_more']} after {shown}"
        for tweet in page["tweets"]:
            self._check_tweet(where, tweet)

    def _check_tweet(self, where: str, shown: dict[str, Any]) -> None:
        truth = self._truth
        told = truth.tweets[int(shown["tweet_id"])]
        assert shown["author"]["user_id"] == str(told.author), where
        assert shown["reply_to_tweet_id"] == _text(told.reply_to), where
        assert shown["retweet_of"] == _text(told.retweet_of), where
        original = shown["original"]
        assert (original is None) == (told.retweet_of is None), where
        if original is not None:
            assert original["tweet_id"] == str(told.root), where
            assert original["author"]["user_id"] == str(truth.tweets[told.root].author), where
        counts = Counts(*(shown["engagement"][field] for field in Counts._fields))
        assert counts == truth.counts(told.root), f"{where} counts {told.root}: {counts}"

    def _expected(self, viewer: int, scroll: Scroll) -> list[int]:
        feed = self._truth.feed(viewer, scroll.top)
        return feed if scroll.below is None else [one for one in feed if one < scroll.below]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
