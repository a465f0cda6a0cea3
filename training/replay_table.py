"""A replay in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from training.replayed import ReplayedItem, ReplayedPage


def page_lines(page: ReplayedPage) -> Iterator[str]:
    yield f"request {page.request_id} of viewer {page.viewer}, served {page.served_at}"
    why = f" ({page.reason})" if page.reason else ""
    yield f"model {page.model}, objective {page.objective}, rung {page.rung}{why}"
    yield f"features of {page.features_at}"
    heads = [f"{one.head}·{one.weight:g}" for one in page.items[0].heads]
    titles = (
        *("place", "before", "tweet", "author", "source"),
        *heads,
        *("utility", "freshness", "factor", "seen", "score", "rank", "diversity", "bits"),
    )
    rows = [_cells(item) for item in page.items]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    if page.unscored:
        yield f"{page.unscored} more were served in the order of time, below the slate"
    if page.slate_differs:
        yield f"the whole slate of {page.slate} differs in {', '.join(page.slate_differs)}"
    elif page.slate:
        yield f"the whole slate of {page.slate} comes out in the same order, with the same bits"
    equal = sum(not item.differs for item in page.items)
    yield f"{equal} of {len(page.items)} items have equal bits"


def _cells(item: ReplayedItem) -> tuple[str, ...]:
    return (
        str(item.place),
        "-" if item.place_before < 0 else str(item.place_before),
        item.tweet,
        item.author,
        item.source,
        *(f"{one.value:.6f}" for one in item.heads),
        f"{item.utility:.6f}",
        f"{item.freshness:.4g}",
        f"{item.source_factor:.4g}",
        f"{item.seen:.4g}",
        f"{item.score:.6f}",
        "-" if item.author_rank < 0 else str(item.author_rank),
        f"{item.diversity:.4f}",
        f"other {', '.join(item.differs)}" if item.differs else "equal",
    )
