"""What a conversion and an import say about themselves when they are done."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

MAX_ROW_NUMBERS = 1_000

Reporter = Callable[[str], None]
"""Takes one line of progress, meant for a person."""


class Refusal(msgspec.Struct, frozen=True):
    """Rows of one table that were left out for one reason, with the first few of them.

    `column` is the one that is at fault, "" where several are, and `limit` what it may not pass, ""
    where there is no such thing. `row_numbers` are the first MAX_ROW_NUMBERS, counted from 1.
    """

    table: str
    reason: str
    rows: int
    examples: list[str]
    column: str = ""
    limit: str = ""
    row_numbers: list[int] = []

    def line(self) -> str:
        return f"{self.table}: {self.rows:,} rows refused, {self.reason} (such as {'; '.join(self.examples)})"


class ConvertReport(msgspec.Struct, frozen=True):
    """Counts of one conversion: rows written by table, exact duplicates dropped, rows refused.

    `colliding_ids` are ids that name both a viewer and an author; `near_duplicates` impressions
    of the same viewer, item and millisecond that differ otherwise and were all kept.
    """

    source_rows: int
    duplicates: int
    near_duplicates: int
    overlap_s: float
    colliding_ids: int
    rows: dict[str, int]
    engagements: dict[str, int]
    refusals: list[Refusal]
    assumptions: list[str]
    complete_until_ms: int

    def lines(self) -> list[str]:
        return [
            f"wrote {_counts(self.rows)}",
            f"engagements: {_counts(self.engagements)}",
            f"dropped {self.duplicates:,} exact duplicates of {self.source_rows:,} source rows; "
            f"kept {self.near_duplicates:,} that repeat a viewer, item and millisecond but differ otherwise",
            f"{self.colliding_ids:,} ids name both a viewer and an author; they are two namespaces",
            *(refusal.line() for refusal in self.refusals),
            *(f"assumption: {sentence}" for sentence in self.assumptions),
        ]


class ImportReport(msgspec.Struct, frozen=True):
    """Counts of one import.

    `written` counts what this run added, `there` what was found from an earlier run; both are by
    kind (users, follows, tweets, likes, seen, click, dwell, hide, report). `not_imported` counts
    rows that the product has no event for, by what they are. `already_done` means that an
    earlier run had finished and this one changed nothing.
    """

    digest: str
    source: str
    complete_until_ms: int
    already_done: bool = False
    written: dict[str, int] = {}
    there: dict[str, int] = {}
    duplicates: dict[str, int] = {}
    not_imported: dict[str, int] = {}
    handles_replaced: int = 0
    references_dropped: int = 0
    refusals: list[Refusal] = []
    assumptions: list[str] = []
    seconds: float = 0.0

    def lines(self) -> list[str]:
        if self.already_done:
            return [
                f"{self.source} was imported before (digest {self.digest}); nothing was changed",
                f"its rows: {_counts(Counter(self.written) + Counter(self.there))}",
            ]
        lines = [f"imported {_counts(self.written)} in {self.seconds:.1f} s"]
        if any(self.there.values()):
            lines.append(f"there already, or said twice: {_counts(self.there)}")
        if any(self.duplicates.values()):
            lines.append(f"exact duplicates dropped: {_counts(self.duplicates)}")
        if self.not_imported:
            lines.append(f"not imported, for want of such an event: {_counts(self.not_imported)}")
        if self.handles_replaced:
            lines.append(f"{self.handles_replaced:,} handles were taken or not allowed, and made anew")
        if self.references_dropped:
            lines.append(
                f"{self.references_dropped:,} tweets answer a tweet that is not in the data; "
                "they came in without the reference"
            )
        lines += [refusal.line() for refusal in self.refusals]
        lines += [f"assumption: {sentence}" for sentence in self.assumptions]
        return lines


class ExportReport(msgspec.Struct, frozen=True):
    """Counts of one export: rows by table, and tweets that are deleted (or retweets of such), left out."""

    snapshot: int
    rows: dict[str, int]
    deleted: int
    complete_until_ms: int

    def lines(self) -> list[str]:
        lines = [f"exported {_counts(self.rows)}, from snapshot {self.snapshot} of the lake"]
        if self.deleted:
            lines.append(
                f"{self.deleted:,} tweets were deleted, or repeat one that was: left out with all about them"
            )
        return lines


def write_report(path: Path, report: ConvertReport | ImportReport | ExportReport) -> None:
    """As JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.half")
    half.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    os.replace(half, path)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing"
