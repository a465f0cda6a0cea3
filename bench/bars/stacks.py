"""Stacks for bars: one machine's, or one on servers of its own; gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import uvloop

from tests.e2e.live_stack import LiveStack, live_stack
from tests.e2e.whole_stack import WholeStack, whole_stack
from wiring.environment import variable_of
from wiring.settings import Settings

T = TypeVar("T")
AS_DELIVERED = {variable_of(("pipelines", "nice")): str(Settings().pipelines.nice)}
"""What stacks of tests have otherwise."""


@contextmanager
def embedded_stack(environment: Mapping[str, str] | None = None) -> Iterator[LiveStack]:
    with (
        tempfile.TemporaryDirectory(prefix="rankfeed-bar-") as directory,
        live_stack(Path(directory) / "home", environment={**AS_DELIVERED, **(environment or {})}) as stack,
    ):
        yield stack


@contextmanager
def distributed_stack(nodes: int = 1) -> Iterator[WholeStack]:
    with (
        tempfile.TemporaryDirectory(prefix="rankfeed-bar-") as directory,
        # Compiled as where they run for long.
        whole_stack(Path(directory), nodes, print, lasting=True, environment=AS_DELIVERED) as whole,
    ):
        yield whole


def run(coroutine: Callable[[], Coroutine[None, None, T]]) -> T:
    """On a loop that leaves the machine to what is measured."""
    return uvloop.run(coroutine())
