"""Which rows of a dataset can be imported: all are looked at before the first one is written.

A row that cannot be imported is left out, named and counted, and the rest goes on. A table of
which nothing is left is a mistake in the export, and stops the import.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from core.errors import ConfigurationError
from core.ids import EPOCH_MS
from core.types import MAX_TEXT_CODE_POINTS
from interchange.dataset import ROW, Dataset
from interchange.report import MAX_ROW_NUMBERS, Refusal
from interchange.retweets import resolve_retweets
from interchange.schema import TABLES

MAX_ID_CHARS = 200
_EXAMPLES = 3
_KEYS = {
    "users": ("role", "user"),
    "tweets": ("tweet",),
    "impressions": ("request", "viewer", "tweet"),
}
"""What a row is of: a later row of the same key that says something else is refused."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The rows that can be imported, and what was left out. Every reference in them resolves.

    A retweet is of an original, not of a retweet, and an author retweets one once. `roots` has, for
    each retweet, what it stands for: columns `tweet` and `root`.
    """

    tables: dict[str, pl.DataFrame]
    roots: pl.DataFrame
    duplicates: dict[str, int]
    refusals: list[Refusal]
    references_dropped: int


def inspect_rows(dataset: Dataset, *, now_ms: int) -> Inspection:
    """Drops exact duplicates and refuses what cannot be imported.

    `now_ms` is the moment that no row may lie after. Raises ConfigurationError where a table has
    rows and none of them can be imported.
    """
    one_namespace = dataset.meta.namespaces.viewers == dataset.meta.namespaces.authors
    sieves = {table: _Sieve(table, frame) for table, frame in dataset.tables.items()}
    for sieve in sieves.values():
        sieve.refuse_malformed(now_ms)
    users, follows, tweets = sieves["users"], sieves["follows"], sieves["tweets"]
    role = pl.lit("viewer") if one_namespace else pl.col("role").fill_null("viewer")
    users.frame = users.frame.with_columns(role.alias("role"))
    users.refuse(
        'its role is neither "viewer" nor "author"',
        ~pl.col("role").is_in(["viewer", "author"]),
        column="role",
    )
    for sieve in sieves.values():
        sieve.refuse_second_of_a_key()
    viewers = users.column("user", pl.col("role") == "viewer")
    authors = viewers if one_namespace else users.column("user", pl.col("role") == "author")

    text = pl.col("text")
    tweets.refuse(
        f"its text is longer than {MAX_TEXT_CODE_POINTS} code points",
        text.str.len_chars() > MAX_TEXT_CODE_POINTS,
        column="text",
        limit=str(MAX_TEXT_CODE_POINTS),
    )
    tweets.refuse("its text holds a NUL", text.str.contains("\0", literal=True), column="text")
    tweets.refuse("its author is not in users", ~pl.col("author").is_in(authors.implode()), column="author")
    known = tweets.column("tweet", pl.lit(True))
    tweets.refuse(
        "it retweets a tweet that is not in tweets",
        pl.col("retweet_of").is_not_null() & ~pl.col("retweet_of").is_in(known.implode()),
        column="retweet_of",
    )
    dropped = tweets.drop_replies(known)
    roots = resolve_retweets(tweets.frame)
    tweets.frame = roots.tweets
    tweets.refuse("it retweets itself, by way of others", pl.col("circular"), column="retweet_of")
    tweets.refuse("its author retweeted the same tweet before", pl.col("again"), column="retweet_of")
    tweets.frame = tweets.frame.drop("circular", "again")
    known_tweets = tweets.column("tweet", pl.lit(True))

    follows.refuse(
        "its follower is not in users", ~pl.col("follower").is_in(viewers.implode()), column="follower"
    )
    follows.refuse(
        "its followee is not in users", ~pl.col("followee").is_in(authors.implode()), column="followee"
    )
    if one_namespace:
        follows.refuse(
            "nobody follows themselves", pl.col("follower") == pl.col("followee"), column="followee"
        )
    for sieve in (sieves["impressions"], sieves["engagements"]):
        sieve.refuse(
            "its viewer is not in users", ~pl.col("viewer").is_in(viewers.implode()), column="viewer"
        )
        sieve.refuse(
            "its tweet is not in tweets", ~pl.col("tweet").is_in(known_tweets.implode()), column="tweet"
        )
    sieves["impressions"].refuse(
        "its position is negative", pl.col("position") < 0, column="position", limit="0"
    )
    is_dwell = pl.col("type") == "dwell"
    sieves["engagements"].refuse(
        "a dwell needs a value in milliseconds, 0 or more",
        is_dwell & (pl.col("value").is_null() | (pl.col("value") < 0)),
        column="value",
        limit="0",
    )
    for sieve in sieves.values():
        sieve.raise_where_nothing_is_left()
    return Inspection(
        {table: sieve.frame for table, sieve in sieves.items()},
        roots.roots,
        {table: sieve.duplicates for table, sieve in sieves.items()},
        [refusal for sieve in sieves.values() for refusal in sieve.refusals],
        dropped,
    )


class _Sieve:
    """One table on its way through the checks; `frame` holds what has passed so far."""

    def __init__(self, table: str, frame: pl.DataFrame) -> None:
        self.table = table
        own = [column.name for column in TABLES[table]]
        self.frame = frame.unique(own, keep="first", maintain_order=True)
        self.duplicates = frame.height - self.frame.height
        self.refusals: list[Refusal] = []

    def refuse(self, reason: str, bad: pl.Expr, *, column: str = "", limit: str = "") -> None:
        """Leaves out the rows for which `bad` is true; null counts as false."""
        is_bad = bad.fill_null(False)
        rows = self.frame.filter(is_bad)
        if rows.is_empty():
            return
        self.frame = self.frame.filter(~is_bad)
        examples = [_name(row) for row in rows.head(_EXAMPLES).iter_rows(named=True)]
        numbers = rows.get_column(ROW).head(MAX_ROW_NUMBERS).to_list()
        self.refusals.append(Refusal(self.table, reason, rows.height, examples, column, limit, numbers))

    def refuse_malformed(self, now_ms: int) -> None:
        for column in TABLES[self.table]:
            name, value = column.name, pl.col(column.name)
            if column.required:
                self.refuse(f"{name} is null", value.is_null(), column=name)
            if column.kind == "time":
                at_ms, now = value.dt.epoch("ms"), _moment(now_ms).isoformat(timespec="milliseconds")
                self.refuse(
                    f"{name} is before the ids' epoch, 2010-11-04",
                    at_ms < EPOCH_MS,
                    column=name,
                    limit=_moment(EPOCH_MS).isoformat(timespec="milliseconds"),
                )
                self.refuse(f"{name} is in the future", at_ms > now_ms, column=name, limit=now)
            elif column.kind == "text" and column.required:
                self.refuse(
                    f"{name} is empty or longer than {MAX_ID_CHARS} characters",
                    ~value.str.len_chars().is_between(1, MAX_ID_CHARS),
                    column=name,
                    limit=str(MAX_ID_CHARS),
                )

    def refuse_second_of_a_key(self) -> None:
        key = _KEYS.get(self.table)
        if key is not None:
            self.refuse(
                f"an earlier row has the same {', '.join(key)} and says something else",
                ~pl.struct(key).is_first_distinct(),
                column=key[-1] if len(key) == 1 else "",
            )

    def drop_replies(self, known: pl.Series) -> int:
        """Clears answers to tweets that are not in the data; how many rows were one."""
        answered = pl.col("reply_to")
        unknown = answered.is_not_null() & ~answered.is_in(known.implode())
        dropped = self.frame.filter(unknown).height
        self.frame = self.frame.with_columns(pl.when(~unknown).then(answered).alias("reply_to"))
        return dropped

    def column(self, name: str, where: pl.Expr) -> pl.Series:
        return self.frame.filter(where).get_column(name).unique()

    def raise_where_nothing_is_left(self) -> None:
        if self.refusals and self.frame.is_empty():
            raise ConfigurationError(
                f"not one row of {self.table} can be imported, and nothing was. "
                + " ".join(f"{refusal.line()}." for refusal in self.refusals)
                + " Check that ids are written alike in all tables, and the namespaces in meta.json."
            )


def _moment(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)


def _name(row: dict[str, object]) -> str:
    told = ", ".join(
        f"{name}={str(value)[:40]!r}" for name, value in row.items() if name != ROW and value is not None
    )
    return f"row {row[ROW]}: {told}"
