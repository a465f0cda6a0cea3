"""What ought to be there is told from what need not be: rows, their age, and scores that are all alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.ids import compose_id
from features.row_block import RowBlock
from features.schema import DAY_S, FEATURES, VIEWS, ViewName, sum_name
from ranking.silent_failures import ENOUGH, Finding, SilentFailures, SilentOptions
from stores.ports import Ids

NOW_MS = 1_790_000_000_000
NOW_S = NOW_MS // 1000
N = 40
HOUR_S = 3_600
VARIED = np.linspace(0.0, 1.0, N, dtype=np.float32).reshape(-1, 1)
EQUAL = np.full((N, 1), 0.25, np.float32)
INPUTS = np.arange(N * len(FEATURES), dtype=np.float32).reshape(N, -1)
WELL, UNKNOWN = Finding("well"), Finding("unknown")
THIN, BEHIND, CONSTANT = (
    Finding("silent", reason) for reason in ("features_thin", "features_behind", "scores_constant")
)


def tweets(*, newest_s: int, step_s: int = HOUR_S, n: int = N) -> Ids:
    """Newest first."""
    return np.array([compose_id((newest_s - i * step_s) * 1000, 1, 1, i) for i in range(n)], np.int64)


def rows(roots: Ids, *, last_event_s: int, seen: float = 0.0) -> dict[ViewName, RowBlock]:
    """As the stream makes them: of all tweets before its last event, seen by nobody or so often."""
    blocks = {
        name: RowBlock.missing(view, 1 if name in ("g", "u") else len(roots)) for name, view in VIEWS.items()
    }
    put(blocks, "g", 0, last_event_s)
    for i, root in enumerate(roots.tolist()):
        created_s = ((root >> 22) + 1_288_834_974_657) // 1000
        if created_s <= last_event_s:
            put(blocks, "t", i, created_s, seen)
            if seen:
                put(blocks, "a", i, created_s, seen)
    return blocks


def put(blocks: dict[ViewName, RowBlock], view: ViewName, i: int, at_s: int, seen: float = 0.0) -> None:
    values = [0.0] * VIEWS[view].width
    values[VIEWS[view].index(sum_name("seen", "30d"))] = seen
    blocks[view].put(i, schema_id=VIEWS[view].schema_id, event_ts_s=at_s, seq=1, values=values)


def lose(block: RowBlock, share: float) -> None:
    lost = int(share * len(block))
    block.present[:lost] = False
    block.event_ts_s[:lost] = 0
    block.values[:lost] = np.nan


def judged(
    blocks: dict[ViewName, RowBlock],
    roots: Ids,
    heads: NDArray[np.float32] = VARIED,
    silent: SilentFailures | None = None,
    inputs: NDArray[np.float32] = INPUTS,
) -> Finding:
    silent = silent or SilentFailures(SilentOptions())
    return silent.judge(blocks, roots, NOW_MS, inputs, heads, "home@1")


# -- what is well, or says nothing -------------------------------------------------------------------


def test_a_live_installation_is_well() -> None:
    roots = tweets(newest_s=NOW_S - 5)
    assert judged(rows(roots, last_event_s=NOW_S - 4), roots) == WELL


def test_a_new_installation_with_a_few_tweets_says_nothing() -> None:
    roots = tweets(newest_s=NOW_S - 5, n=ENOUGH - 1)
    assert judged(rows(roots, last_event_s=NOW_S - 4), roots) == UNKNOWN


def test_a_quiet_history_is_well_however_long_ago() -> None:
    roots = tweets(newest_s=NOW_S - 1_500 * DAY_S)
    assert judged(rows(roots, last_event_s=NOW_S - 1_500 * DAY_S + 60), roots) == WELL


def test_old_tweets_need_no_rows() -> None:
    roots = tweets(newest_s=NOW_S - 200 * DAY_S)
    blocks = rows(roots, last_event_s=NOW_S - 4)
    lose(blocks["t"], 1.0)
    assert judged(blocks, roots) == UNKNOWN


def test_a_viewer_and_authors_without_rows_are_nobodys_fault() -> None:
    roots = tweets(newest_s=NOW_S - 5)
    blocks = rows(roots, last_event_s=NOW_S - 4)
    assert not blocks["u"].present.any()
    assert not blocks["va"].present.any()
    assert not blocks["a"].present.any()
    assert judged(blocks, roots) == WELL


def test_tweets_of_the_last_moment_need_no_rows_yet() -> None:
    roots = tweets(newest_s=NOW_S - 1, step_s=1)
    assert judged(rows(roots, last_event_s=NOW_S - 45), roots) == UNKNOWN


# -- what is not -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "finding"), [(0.4, WELL), (0.6, THIN), (1.0, THIN)])
def test_lost_rows_of_tweets_are_seen(lost: float, finding: Finding) -> None:
    roots = tweets(newest_s=NOW_S - 5)
    blocks = rows(roots, last_event_s=NOW_S - 4)
    lose(blocks["t"], lost)
    assert judged(blocks, roots) == finding


def test_lost_rows_of_authors_are_seen_where_somebody_saw_their_tweets() -> None:
    roots = tweets(newest_s=NOW_S - 5)
    blocks = rows(roots, last_event_s=NOW_S - 4, seen=3.0)
    assert judged(blocks, roots) == WELL
    lose(blocks["a"], 0.6)
    assert judged(blocks, roots) == THIN


@pytest.mark.parametrize(("stood_s", "finding"), [(800, WELL), (1_000, BEHIND), (30 * DAY_S, BEHIND)])
def test_rows_that_have_fallen_behind_what_was_posted_are_seen(stood_s: int, finding: Finding) -> None:
    roots = tweets(newest_s=NOW_S - 61, step_s=60)
    assert judged(rows(roots, last_event_s=NOW_S - 61 - stood_s), roots) == finding


def test_scores_that_are_all_alike_where_they_were_not_are_seen() -> None:
    roots = tweets(newest_s=NOW_S - 5)
    blocks, silent = rows(roots, last_event_s=NOW_S - 4), SilentFailures(SilentOptions())
    for _ in range(ENOUGH):
        assert judged(blocks, roots, EQUAL, silent) == WELL
        assert judged(blocks, roots, VARIED, silent) == WELL
    assert judged(blocks, roots, EQUAL, silent) == CONSTANT
    # The same inputs have the same scores.
    assert judged(blocks, roots, EQUAL, silent, INPUTS * 0) == WELL
    # Of another model nothing is known yet.
    assert silent.judge(blocks, roots, NOW_MS, INPUTS, EQUAL, "home@2") == WELL


def test_a_model_of_constant_heads_is_what_it_is() -> None:
    roots = tweets(newest_s=NOW_S - 5)
    blocks, silent = rows(roots, last_event_s=NOW_S - 4), SilentFailures(SilentOptions())
    assert {judged(blocks, roots, EQUAL, silent) for _ in range(100)} == {WELL}
