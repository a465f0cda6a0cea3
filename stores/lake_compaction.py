"""Compaction: closed hours become one file each, a little at a time, between the writer's commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from core.errors import Corrupt
from stores.lake_merging import COMPACT_ROWS, CompactionPolicy, Group, compactable
from stores.lake_store import LakeStore

GROUPS_A_STEP = 32
"""Hours that share a manifest: with thousands of files, writing that costs more than a small hour does."""

_logger = structlog.get_logger("lake")


class Compacted(NamedTuple):
    """What a step did: so many files of so many hours became one each."""

    hours: int
    files: int
    rows: int


class LakeCompaction:
    """Works on one store, on the thread that the store is used on."""

    def __init__(self, store: LakeStore, policy: CompactionPolicy) -> None:
        self._store = store
        self._policy = policy
        self._damaged: set[str] = set()

    def step(self, now_ms: int) -> Compacted | None:
        """The next hours that are due, about COMPACT_ROWS of them; None where there is none.

        An hour with a file that cannot be read is left as it is, and said once. Raises Unavailable
        where the disk fails: the store is then to be opened again.
        """
        groups = self._next(now_ms)
        if not groups:
            return None
        try:
            self._store.compact(groups, now_ms)
        except Corrupt:
            # One of them is damaged; the others are not to suffer for it.
            groups = [group for group in groups if self._alone(group, now_ms)]
        done = Compacted(len(groups), sum(len(one.files) for one in groups), sum(one.rows for one in groups))
        _logger.info("lake_compacted", hours=done.hours, files=done.files, rows=done.rows)
        return done

    def _next(self, now_ms: int) -> Sequence[Group]:
        chosen: list[Group] = []
        rows = 0
        for group in compactable(self._store.manifest, self._policy, now_ms):
            if group.directory in self._damaged:
                continue
            if chosen and (len(chosen) == GROUPS_A_STEP or rows + group.rows > COMPACT_ROWS):
                break
            chosen.append(group)
            rows += group.rows
        return chosen

    def _alone(self, group: Group, now_ms: int) -> bool:
        try:
            self._store.compact([group], now_ms)
        except Corrupt as exc:
            self._damaged.add(group.directory)
            _logger.error("lake_hour_not_compacted", directory=group.directory, error=str(exc))
            return False
        return True
