"""What a demo came to, on the terminal."""

from __future__ import annotations

import math
from dataclasses import replace

from simulation.arms import ARMS
from simulation.judgement import ORDERS
from tests.unit.wiring.demo.figures import figures
from wiring.demo.feeds import feeds_table
from wiring.demo.tables import lines, tables


def test_the_terminal_has_every_arm_and_order() -> None:
    words = [str(cell) for table in tables(figures()) for column in table.columns for cell in column.cells]
    for name in (*ARMS, *ORDERS[:-1], "logistic, of 8", "post to feed"):
        assert name in words
    share, served, found = lines(figures())
    assert "reaches 40% of" in share
    assert "2 of 3 feeds served ranked" in served
    assert found == "found by: timeline 30, popular 10"


def test_a_share_that_cannot_be_told_is_not_told() -> None:
    few = replace(figures(), lift=figures().lift._replace(oracle_share=math.nan))
    assert "cannot tell" in lines(few)[0]


def test_two_feeds_stand_side_by_side() -> None:
    table = feeds_table(figures().feeds)
    assert [str(column.header) for column in table.columns][2::2] == [
        "chronological (full)",
        "ranked by home@1 (full)",
    ]
    assert list(table.columns[1].cells) == ["61", ""]
