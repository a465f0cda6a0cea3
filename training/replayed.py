"""What a replay came to: a page and its items, as computed once more."""

from __future__ import annotations

import msgspec


class ReplayedHead(msgspec.Struct, frozen=True):
    """One prediction, as computed again, and what it weighs."""

    head: str
    value: float
    weight: float


class ReplayedItem(msgspec.Struct, frozen=True):
    """One scored item, as computed again; `differs` names what has other bits in the record.

    `place` is that in the scroll and `place_before` that without diversity, both from 0; score =
    utility · freshness · source_factor · seen, and the slate is ordered by score · diversity.
    """

    place: int
    place_before: int
    tweet: str
    author: str
    source: str
    heads: list[ReplayedHead]
    utility: float
    freshness: float
    source_factor: float
    score: float
    author_rank: int
    diversity: float
    differs: list[str]
    seen: float = 1.0


class ReplayedPage(msgspec.Struct, frozen=True):
    """One request; `unscored` items of it followed in the order of time.

    `slate` says how many candidates of the whole slate were put in order again, and `slate_differs`
    what came out otherwise; 0 and nothing where the slate was not recorded.
    """

    request_id: str
    viewer: str
    served_at: str
    features_at: str
    rung: str
    reason: str | None
    model: str
    objective: str
    items: list[ReplayedItem]
    unscored: int
    slate: int = 0
    slate_differs: list[str] = []

    @property
    def equal(self) -> bool:
        return not self.slate_differs and not any(item.differs for item in self.items)
