"""The lake: Parquet by hour of event time, and manifests that say which files count.

    <root>/{served,scored,views,edges,tweets,follows}/dt=YYYY-MM-DD/hour=HH/part-<n>.parquet
    <root>/manifest/<n>.json

The newest manifest whose digest is right is the truth: a file that it does not name is not there,
whatever lies on the disk. It also holds the offsets that come next, so the files and the place in
the log change together. Everything here only reads; `stores/lake_store.py` writes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import polars as pl

from core.errors import ConfigurationError, Corrupt, Unavailable, UnknownVersion
from stores.lake_imports import IMPORTED, complete_for, declared_ms
from stores.lake_tables import SCHEMAS

VERSION = 1
_MANIFEST_NAME = re.compile(r"(\d+)\.json", re.ASCII)


class LakeFile(msgspec.Struct, frozen=True):
    """One Parquet file: its path below the root, and the event times that it spans, both included.

    `written_ms` is when the newest of its rows came; like `bytes` it is 0 for a file of before it was
    written down.
    """

    path: str
    rows: int
    from_ms: int
    to_ms: int
    bytes: int = 0
    written_ms: int = 0

    @property
    def directory(self) -> str:
        """That of its table and hour, below the root."""
        return self.path.rpartition("/")[0]


class Retired(msgspec.Struct, frozen=True):
    """A file that was merged into another by manifest `number`; readers of older ones may still want it."""

    path: str
    number: int
    at_ms: int


class LakeManifest(msgspec.Struct, frozen=True):
    """What the lake holds, and where in the log it goes on.

    `offsets` are the next ones by topic and partition; `complete_until_ms` is, by table, a time of
    publication: what was published before it is in the lake.
    `dropped` counts, by table, the rows that compaction found twice.
    """

    number: int
    written_ms: int
    offsets: dict[str, dict[int, int]] = {}
    complete_until_ms: dict[str, int] = {}
    files: dict[str, list[LakeFile]] = {}
    retired: list[Retired] = []
    dropped: dict[str, int] = {}


class _Sealed(msgspec.Struct, frozen=True):
    """The file's form: `sha256` is the digest of the bytes of `body` as they stand."""

    lake: int
    sha256: str
    body: msgspec.Raw


class _Version(msgspec.Struct, frozen=True):
    lake: int


_version_decoder = msgspec.json.Decoder(_Version)
_sealed_decoder = msgspec.json.Decoder(_Sealed)
_decoder = msgspec.json.Decoder(LakeManifest)


def encode_manifest(manifest: LakeManifest) -> bytes:
    body = msgspec.json.encode(manifest)
    return msgspec.json.encode(_Sealed(VERSION, hashlib.sha256(body).hexdigest(), msgspec.Raw(body)))


def decode_manifest(raw: bytes) -> LakeManifest:
    """Raises UnknownVersion for a newer manifest, Corrupt where the digest or the form is wrong."""
    try:
        version = _version_decoder.decode(raw).lake
        if version > VERSION:
            raise UnknownVersion(f"lake manifest version {version}; this code knows {VERSION}")
        sealed = _sealed_decoder.decode(raw)
        if hashlib.sha256(sealed.body).hexdigest() != sealed.sha256:
            raise Corrupt("lake manifest: the digest does not match the body")
        return _decoder.decode(sealed.body)
    except msgspec.MsgspecError as exc:
        raise Corrupt(f"not a lake manifest: {exc}") from exc


def manifest_dir(root: Path) -> Path:
    return root / "manifest"


def manifest_path(root: Path, number: int) -> Path:
    return manifest_dir(root) / f"{number:012d}.json"


def manifest_numbers(root: Path) -> list[int]:
    """The numbers of all manifests on the disk, valid or not, newest first."""
    try:
        names = [entry.name for entry in manifest_dir(root).iterdir()]
    except FileNotFoundError:
        return []
    return sorted(
        (int(match[1]) for name in names if (match := _MANIFEST_NAME.fullmatch(name))), reverse=True
    )


def newest_manifest(root: Path) -> LakeManifest | None:
    """The newest valid manifest, None where there is none at all.

    Raises UnknownVersion for one of a newer rankfeed, Corrupt where there are some and all are damaged.
    """
    # A writer removes old manifests while a reader looks: look again, they are then newer ones.
    for _ in range(3):
        numbers = manifest_numbers(root)
        damaged: list[str] = []
        vanished = False
        for number in numbers:
            path = manifest_path(root, number)
            try:
                return decode_manifest(path.read_bytes())
            except FileNotFoundError:
                vanished = True
            except UnknownVersion as exc:
                raise UnknownVersion(f"{path}: {exc}. Install the rankfeed that wrote it.") from exc
            except Corrupt as exc:
                damaged.append(f"{path.name}: {exc}")
        if not vanished:
            break
    if not numbers:
        return None
    raise Corrupt(
        f"no manifest of the lake at {root} is valid ({'; '.join(damaged)}). Restore one from a backup, or "
        "move the directory away: the lake is then written again from what the log still holds."
    )


class LakeReader:
    """The lake as it was when the reader was made; later commits do not change what it sees."""

    def __init__(self, root: Path, schemas: Mapping[str, pl.Schema] = SCHEMAS) -> None:
        """Raises ConfigurationError where there is no lake, Corrupt where its manifests are damaged."""
        manifest = newest_manifest(root)
        if manifest is None:
            raise ConfigurationError(
                f"there is no lake at {root}. Start the stack with `rankfeed up`, which writes one, or "
                "import data with `rankfeed import` first."
            )
        self._root = root
        self._schemas = schemas
        self.manifest = manifest
        self.declared_ms = declared_ms(root)
        """How far each import is complete by its own word (UTC), ascending."""

    @property
    def snapshot(self) -> int:
        """The number of the manifest that is read."""
        return self.manifest.number

    def complete_until_ms(self, table: str) -> int:
        """Up to when the table has everything that was published; 0 where it never had anything."""
        return self.manifest.complete_until_ms.get(table, 0)

    def imported_until_ms(self) -> int | None:
        """Where the newest view was imported, up to when its source was complete; else None.

        What the source did not say ends with that view.
        """
        newest = self.scan("views").select("ts_ms", "event_id").top_k(1, by=["ts_ms", "event_id"])
        ends = newest.filter(IMPORTED).select(
            pl.coalesce(complete_for(self.declared_ms, pl.col("ts_ms")), "ts_ms")
        )
        rows = ends.collect().rows()
        return int(rows[0][0]) if rows else None

    def scan(self, table: str, *, from_ms: int | None = None, to_ms: int | None = None) -> pl.LazyFrame:
        """The table's rows with from_ms <= ts_ms < to_ms, in no order, with the columns of its schema.

        Columns younger than a file are null in its rows. Raises Unavailable where a file is gone, Corrupt
        where one was cut.
        """
        schema = self._schemas[table]
        paths = list(self.paths(table, from_ms, to_ms))
        if not paths:
            return pl.LazyFrame(schema=schema)
        frame = pl.scan_parquet(
            paths,
            schema=schema,
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
        )
        if from_ms is not None:
            frame = frame.filter(pl.col("ts_ms") >= from_ms)
        if to_ms is not None:
            frame = frame.filter(pl.col("ts_ms") < to_ms)
        return frame

    def paths(self, table: str, from_ms: int | None = None, to_ms: int | None = None) -> Iterator[Path]:
        """The files that may have such rows; raises Unavailable where one is gone, Corrupt where cut."""
        for file in self.manifest.files.get(table, []):
            if (from_ms is None or file.to_ms >= from_ms) and (to_ms is None or file.from_ms < to_ms):
                path = self._root / file.path
                try:
                    size = path.stat().st_size
                except FileNotFoundError as exc:
                    raise Unavailable(
                        f"{path} is gone, although snapshot {self.snapshot} names it: the reader is older "
                        "than the lake's grace time, or the file was removed by hand. Open the lake again."
                    ) from exc
                if file.bytes not in (0, size):
                    raise Corrupt(
                        f"{path} has {size} bytes, and was written with {file.bytes}. Restore it from "
                        "a backup, or move the lake away: it is then written again from what the log holds."
                    )
                yield path
