"""Redis as every adapter uses it, one server or a Cluster: nobody but the wiring knows which.

A client answers in bytes, or fails, within its timeout. It raises Unavailable where a server is away,
slow, full or not ready, its kind RedisRefused where waiting will not help, and ResponseError for a
command that is wrong: that is a bug of ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_commands import Command, Script, Word, script
from stores.redis_errors import ResponseError
from stores.redis_spread import Spread


@dataclass(frozen=True, slots=True)
class Found:
    """Values by position, None where there is none, and the marks of the shards that were asked.

    `unanswered` are the positions whose shard is away, for the reason in `failure`.
    """

    values: list[bytes | None]
    marks: list[bytes | None]
    unanswered: frozenset[int] = frozenset()
    failure: Unavailable | None = None


class RedisClient(ABC):
    """Any number of callers at once. A Cluster's nodes are asked side by side, each in one round trip."""

    @abstractmethod
    async def answers(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        """Each command's answer, a ResponseError where that one command is wrong.

        On one node commands are executed in their order. Where a node is away the others execute
        theirs all the same; then Unavailable is raised, and which commands were executed is
        unknown. `copied` waits until each node's replica has what was written too, so that a
        failover cannot take it back: Unavailable where it does not get there in time.
        """

    @abstractmethod
    async def find(self, keys: Sequence[bytes], *, mark: bytes | None = None) -> Found:
        """The strings at these keys; a key that holds something else has none.

        Never raises Unavailable: what cannot be known is `unanswered`. With `mark` every shard that
        is asked says in the same breath what it holds under `shard_key(mark, its tag)`.
        """

    @abstractmethod
    async def spread(self, spreads: Sequence[Spread], *, copied: bool = False) -> list[Ids]:
        """The answers to commands that go to many keys, by their positions: int64, one array a spread.

        Each of those commands answers with a number. For thousands of keys: about a tenth of what
        `calls` costs. Order, failures, errors and `copied` are those of `calls`.
        """

    @abstractmethod
    async def shards(self) -> tuple[bytes, ...]:
        """A hash tag for each shard, whose keys are there. Raises Unavailable."""

    @abstractmethod
    async def scan(self, pattern: bytes) -> list[bytes]:
        """Every key that matches; not for a hot path. Raises Unavailable."""

    @abstractmethod
    async def ping(self) -> None:
        """Raises Unavailable where not every key could be read and written just now."""

    @abstractmethod
    async def aclose(self) -> None:
        """Closes its connections."""

    async def calls(self, commands: Sequence[Command], *, copied: bool = False) -> list[Any]:
        """As `answers`, and raises the first ResponseError."""
        answers = await self.answers(commands, copied=copied)
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    async def call(self, command: Command, *, copied: bool = False) -> Any:
        """As `calls`, for one."""
        (answer,) = await self.calls([command], copied=copied)
        return answer

    async def run_script(
        self, source: str, keys: Sequence[bytes], *arguments: bytes | int, copied: bool = False
    ) -> Any:
        """Runs a Lua script whose keys share one hash tag."""
        return await self.call(script(source, keys, *arguments), copied=copied)

    async def run_often(
        self, script: Script, runs: Sequence[tuple[Sequence[bytes], Sequence[Word]]]
    ) -> list[Any]:
        """Runs a script for each of these (keys, arguments); as `calls`."""
        answers = await self.answers([script.run(*run) for run in runs])
        unknown = [
            i
            for i, answer in enumerate(answers)
            if isinstance(answer, ResponseError) and str(answer).startswith("NOSCRIPT")
        ]
        taught = await self.calls([script.taught(*runs[i]) for i in unknown]) if unknown else []
        for i, answer in zip(unknown, taught, strict=True):
            answers[i] = answer
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers
