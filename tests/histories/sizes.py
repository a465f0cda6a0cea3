"""The sizes of a small world: what takes thousands of tweets in the product takes a handful here.

They are constants of the product's modules, which read them when they are called; a module that has
taken one over by name has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

from fanout import deliver, followers
from ranking import page_walk, single_reads
from timelines import audience, layout, merge, reader, trim

LIST = 8
"""Ids that a timeline holds."""
PAGE = 3
FOLLOWER_PAGE = 4
PEOPLE = 6
CROWD = 17
"""Who is followed in a row by somebody: one more than are handled at once."""

LONGEST = LIST + 4
"""With its mark and sentinel: the third one that is pushed to a full list has it trimmed."""
HEAD = 7
"""Items that a first page reads of a list: two pushed ones, the mark, and its own with one more."""

SIZES: tuple[tuple[ModuleType, str, int], ...] = (
    *((module, "CAPACITY", LIST) for module in (layout, merge, reader, audience)),
    *((module, "LONGEST", LONGEST) for module in (layout, audience)),
    (reader, "HEAD", HEAD),
    (trim, "_NEIGHBOURS", 2),
    (trim, "_FEW", 3),
    (followers, "PAGE", FOLLOWER_PAGE),
    (deliver, "TOGETHER", 20),
    (audience, "PIPELINE", 5),
    *((module, "_SPARE", 2) for module in (page_walk, single_reads)),
    *((module, "_MOST", 4) for module in (page_walk, single_reads)),
)


@contextmanager
def small_sizes() -> Iterator[None]:
    with ExitStack() as patches:
        for module, name, value in SIZES:
            # patch.object refuses a name that is not there: a constant that moved is noticed.
            patches.enter_context(patch.object(module, name, value))
        yield
