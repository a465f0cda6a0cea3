"""KuaiRand-Pure (Gao et al., CIKM 2022) into the interchange format.

The source is cut into files by Beijing days that overlap by most of an hour and repeat rows, so
its files are merged, sorted by time and freed of exact duplicates. Its authors and its viewers are
two namespaces. It has no follow graph, no request ids, no texts, and of some moments only the
day: what is made up instead is said in the report and in `meta.json`.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from core.errors import ConfigurationError
from interchange.kuairand_files import FLAGS
from interchange.kuairand_source import KuaiRand, read_kuairand
from interchange.report import ConvertReport, Reporter
from interchange.schema import META_FILE, TABLES, TIME, Meta, Namespaces, write_meta, write_table

SOURCE = "KuaiRand-Pure"
LICENCE = "CC BY-SA 4.0; Gao et al., KuaiRand, CIKM 2022"
NAMESPACES = Namespaces(viewers="kuairand/user", authors="kuairand/author", tweets="kuairand/video")
BEIJING = dt.timezone(dt.timedelta(hours=8))

_DAY_MS = 86_400_000
_ASSUMPTIONS = (
    "a request is all that one viewer was shown at one millisecond, and positions are unknown",
    "a tweet was written at the start of its upload day in Beijing, the day being all that is known, "
    "and never later than its first impression",
    "an author joined with their first tweet; a viewer joined as many days before the first day of "
    "the impressions as their profile says",
    "clicks, likes and hides happened at the moment of the impression; a dwell is reported when it ended",
)


def convert_kuairand(
    src: Path, out: Path, *, follow_engaged: bool, until_ms: int | None, report: Reporter
) -> ConvertReport:
    """Converts a directory of KuaiRand files into the interchange directory `out`.

    With `follow_engaged` every viewer follows each author whose item they clicked or liked before
    `until_ms` (milliseconds since the Unix epoch, UTC; None: ever), since the first such moment.
    That is an assumption, and so that a model is not judged on it, `until_ms` belongs at the
    split. An earlier conversion in `out` is replaced. Raises ConfigurationError where files or
    columns are missing, or `out` holds something else.
    """
    source = read_kuairand(src, report)
    _clear(src, out)
    tweets = _tweets(source)
    engagements = _engagements(source.impressions)
    assumptions = list(_ASSUMPTIONS)
    follows = pl.DataFrame(schema={"follower": pl.String(), "followee": pl.String(), "at": TIME})
    if follow_engaged:
        follows = _follows(source.impressions, until_ms)
        before = "" if until_ms is None else f" before {_rfc3339(until_ms)}"
        assumptions.append(
            f"KuaiRand has no follow graph: {follows.height:,} follows were assumed, from a viewer to every "
            f"author whose item they clicked or liked{before}, at the time of the first such engagement"
        )
        report(f"assumed: {assumptions[-1]}")
    else:
        assumptions.append("KuaiRand has no follow graph: nobody follows anybody")
    tables = {
        "users": _users(source, tweets),
        "follows": follows,
        "tweets": tweets,
        "impressions": _impressions(source.impressions),
        "engagements": engagements,
    }
    colliding_ids = len(set(source.viewers["user_id"]) & set(source.items["author_id"]))
    report(f"{colliding_ids:,} ids name both a viewer and an author: kept apart as two namespaces")
    complete_until_ms = int(source.impressions.select(pl.col("time_ms").max()).item())
    for table, frame in tables.items():
        report(f"writing {frame.height:,} {table}")
        write_table(out, table, frame)
    complete_until = dt.datetime.fromtimestamp(complete_until_ms / 1000, dt.UTC)
    write_meta(out, Meta(SOURCE, complete_until, NAMESPACES, licence=LICENCE, assumptions=assumptions))
    by_type = engagements.group_by("type").len().sort("type")
    return ConvertReport(
        source_rows=source.rows,
        duplicates=source.duplicates,
        near_duplicates=source.impressions.filter(pl.col("occurrence") > 1).height,
        overlap_s=source.overlap_ms / 1000,
        colliding_ids=colliding_ids,
        rows={table: frame.height for table, frame in tables.items()},
        engagements=dict(by_type.iter_rows()),
        refusals=source.refusals,
        assumptions=assumptions,
        complete_until_ms=complete_until_ms,
    )


def _clear(src: Path, out: Path) -> None:
    """Makes `out` an empty directory; only an earlier conversion may be in it."""
    if out.resolve() == src.resolve():
        raise ConfigurationError(f"{out} is the source itself; name another directory to convert into.")
    ours = {META_FILE, f"{META_FILE}.half", *(f"{table}.parquet" for table in TABLES)}
    if out.exists():
        foreign = (
            [path.name for path in out.iterdir() if path.name not in ours] if out.is_dir() else [out.name]
        )
        if foreign:
            raise ConfigurationError(
                f"{out} holds something that no conversion wrote ({', '.join(sorted(foreign)[:3])}); "
                "name a new or empty directory."
            )
    out.mkdir(parents=True, exist_ok=True)
    # meta.json goes first: without it, what is half replaced cannot be imported.
    for path in sorted(out.iterdir(), key=lambda path: path.name != META_FILE):
        path.unlink()


def _time(ms: pl.Expr) -> pl.Expr:
    return pl.from_epoch(ms, time_unit="ms").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def _request() -> pl.Expr:
    """One viewer's one millisecond; an item that is logged twice in it was shown by two requests."""
    again = pl.when(pl.col("occurrence") > 1).then(pl.format("-{}", "occurrence")).otherwise(pl.lit(""))
    return pl.format("{}-{}{}", "user_id", "time_ms", again)


def _tweets(source: KuaiRand) -> pl.DataFrame:
    first_shown = source.impressions.group_by("video_id").agg(pl.col("time_ms").min().alias("first_ms"))
    return source.items.join(first_shown, "video_id", "left", maintain_order="left").select(
        _text("video_id").alias("tweet"),
        _text("author_id").alias("author"),
        _time(pl.min_horizontal("uploaded_ms", "first_ms")).alias("created_at"),
        pl.lit("video").alias("media_kind"),
        pl.col("video_duration").round().cast(pl.Int64).alias("duration_ms"),
        pl.col("tag").str.split(",").alias("tags"),
    )


def _users(source: KuaiRand, tweets: pl.DataFrame) -> pl.DataFrame:
    first_ms = int(source.impressions.select(pl.col("time_ms").min()).item())
    offset_ms = int(BEIJING.utcoffset(None).total_seconds() * 1000)
    first_day_ms = (first_ms + offset_ms) // _DAY_MS * _DAY_MS - offset_ms
    viewers = source.viewers.select(
        _text("user_id").alias("user"),
        pl.lit("viewer").alias("role"),
        pl.format("kr_v{}", "user_id").alias("handle"),
        _time(pl.lit(first_day_ms) - pl.col("register_days") * _DAY_MS).alias("created_at"),
    )
    authors = tweets.group_by(pl.col("author").alias("user")).agg(pl.col("created_at").min())
    return pl.concat(
        [
            viewers,
            authors.sort("created_at", "user").select(
                "user",
                pl.lit("author").alias("role"),
                pl.format("kr_a{}", "user").alias("handle"),
                "created_at",
            ),
        ]
    )


def _follows(impressions: pl.DataFrame, until_ms: int | None) -> pl.DataFrame:
    engaged = (pl.col("is_click") == 1) | (pl.col("is_like") == 1)
    if until_ms is not None:
        engaged &= pl.col("time_ms") < until_ms
    first = impressions.filter(engaged).group_by("user_id", "author_id").agg(pl.col("time_ms").min())
    return first.sort("time_ms", "user_id", "author_id").select(
        _text("user_id").alias("follower"),
        _text("author_id").alias("followee"),
        _time(pl.col("time_ms")).alias("at"),
    )


def _impressions(impressions: pl.DataFrame) -> pl.DataFrame:
    return impressions.select(
        _request().alias("request"),
        _text("user_id").alias("viewer"),
        _text("video_id").alias("tweet"),
        _time(pl.col("time_ms")).alias("at"),
        pl.lit(None, pl.Int64).alias("position"),
        pl.format("tab-{}", "tab").alias("surface"),
        pl.lit(True).alias("seen"),
    )


def _engagements(impressions: pl.DataFrame) -> pl.DataFrame:
    """One row for every flag that is set, and a dwell wherever the item played at all.

    A dwell carries the moment of its end: its length is not known before, and a feature that
    knew it earlier would leak.
    """

    def of(type_: str, rows: pl.Expr, at_ms: pl.Expr, value: pl.Expr) -> pl.DataFrame:
        return impressions.filter(rows).select(
            _text("user_id").alias("viewer"),
            _text("video_id").alias("tweet"),
            pl.lit(type_).alias("type"),
            _time(at_ms).alias("at"),
            value.cast(pl.Int64).alias("value"),
            _request().alias("request"),
        )

    moment, played = pl.col("time_ms"), pl.col("play_time_ms")
    parts = [of(type_, pl.col(flag) == 1, moment, pl.lit(None)) for flag, type_ in FLAGS.items()]
    parts.append(of("dwell", played > 0, moment + played, played))
    return pl.concat(parts).sort("at", "viewer", "tweet", "type")


def _rfc3339(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).isoformat(timespec="seconds")
