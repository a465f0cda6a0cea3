"""What the feeds must show, from nothing but what was written: "What a feed is" in a page of Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from stores.ports import Counts

EdgeKind = Literal["follow", "block", "mute", "like"]


class Edge(NamedTuple):
    """Somebody, and whom or what they follow, block, mute or like."""

    kind: EdgeKind
    a: int
    b: int


@dataclass(slots=True)
class Told:
    """A tweet: its id is its place in the order of time."""

    tweet: int
    author: int
    reply_to: int | None = None
    retweet_of: int | None = None
    deleted: bool = False

    @property
    def root(self) -> int:
        """What is shown of it: a retweet stands for its original."""
        return self.retweet_of or self.tweet


class Truth:
    def __init__(self) -> None:
        self.tweets: dict[int, Told] = {}
        # On, or off again: by the change that was answered last, whatever the clock of who made it.
        self._edges: dict[Edge, bool] = {}

    # -- what was written ---------------------------------------------------------------------------

    def post(self, told: Told) -> None:
        self.tweets.setdefault(told.tweet, told)

    def delete(self, tweet: int) -> None:
        self.tweets[tweet].deleted = True

    def set(self, edge: Edge, *, on: bool) -> None:
        self._edges[edge] = on
        if edge.kind == "block" and on:
            # A block ends the follows of the two, and an unblock brings none of them back.
            for follow in (Edge("follow", edge.a, edge.b), Edge("follow", edge.b, edge.a)):
                self._edges[follow] = False

    def adopt(self, edge: Edge, *, on: bool) -> None:
        """What the store says of an edge whose last change had an unknown outcome."""
        self._edges[edge] = on

    # -- what follows from it -----------------------------------------------------------------------

    def is_on(self, kind: EdgeKind, a: int, b: int) -> bool:
        return self._edges.get(Edge(kind, a, b), False)

    def followees(self, viewer: int) -> list[int]:
        return sorted(b for (kind, a, b), on in self._edges.items() if (kind, a) == ("follow", viewer) and on)

    def is_blocked(self, a: int, b: int) -> bool:
        """Blocks count both ways."""
        return self.is_on("block", a, b) or self.is_on("block", b, a)

    def may_show(self, viewer: int, tweet: int) -> bool:
        """Whether this tweet may stand in the viewer's feed, as long as no newer one stands for its root."""
        told = self.tweets[tweet]
        root = self.tweets[told.root]
        return (
            not told.deleted
            and not root.deleted
            and (told.author == viewer or self.is_on("follow", viewer, told.author))
            and not any(self._is_hidden(viewer, author) for author in (told.author, root.author))
        )

    def feed(self, viewer: int, top: int | None = None) -> list[int]:
        """Ids, newest first: one's own and those of followees; of one root only the newest.

        Of a scroll that began at `top` what came later is no part, and stands for nothing in it.
        """
        newest: dict[int, int] = {}
        for tweet in sorted(self.tweets, reverse=True):
            if (top is None or tweet <= top) and self.may_show(viewer, tweet):
                newest.setdefault(self.tweets[tweet].root, tweet)
        return list(newest.values())

    def timeline(self, author: int, viewer: int) -> list[int]:
        """What the viewer finds on the author's page: muting hides nothing that one goes and looks at."""
        return [
            tweet
            for tweet, told in sorted(self.tweets.items(), reverse=True)
            if told.author == author
            and not told.deleted
            and not (root := self.tweets[told.root]).deleted
            and not self.is_blocked(viewer, root.author)
        ]

    def counts(self, tweet: int) -> Counts:
        """Rows: likes that are on, live retweets and live replies, whoever they are of."""
        live = [told for told in self.tweets.values() if not told.deleted]
        return Counts(
            likes=sum(on for (kind, _, b), on in self._edges.items() if (kind, b) == ("like", tweet)),
            retweets=sum(told.retweet_of == tweet for told in live),
            replies=sum(told.reply_to == tweet for told in live),
        )

    def _is_hidden(self, viewer: int, author: int) -> bool:
        return self.is_blocked(viewer, author) or self.is_on("mute", viewer, author)
