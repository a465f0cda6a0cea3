"""The oracle is tried out: what would go wrong without a mechanism, histories find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.histories.directed import DIRECTED, Directed
from tests.histories.strategies import scripts
from tests.histories.telling import Teller, teller

HISTORIES = 400
"""Most are found within 10, all within 50 of most seeds."""
SEED = 2


@pytest.fixture(scope="module")
def one() -> Iterator[Teller]:
    with teller() as found:
        yield found


@pytest.mark.parametrize("bug", DIRECTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(one: Teller, bug: Directed) -> None:
    with bug.plant(), pytest.raises(AssertionError):
        one.tell_many(scripts(bug.steps), HISTORIES, SEED, shorten=False)


def test_there_are_ten_of_them() -> None:
    assert len({bug.name for bug in DIRECTED}) == len(DIRECTED) >= 10
