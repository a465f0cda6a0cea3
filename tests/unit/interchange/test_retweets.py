"""Retweets of retweets are of the original, once an author; circles are no retweets at all."""

from __future__ import annotations

import polars as pl

from interchange.retweets import resolve_retweets, to_roots

SCHEMA = {"tweet": pl.String(), "author": pl.String(), "reply_to": pl.String(), "retweet_of": pl.String()}


def tweets(*rows: tuple[str, str, str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_chains_end_at_the_original() -> None:
    chain = [("t0", "a", None, None), *((f"t{n}", f"a{n}", None, f"t{n - 1}") for n in range(1, 40))]
    resolved = resolve_retweets(tweets(*chain[::-1]))
    assert set(resolved.tweets["retweet_of"].drop_nulls()) == {"t0"}
    assert not resolved.tweets["circular"].any()
    assert dict(resolved.roots.iter_rows()) == {f"t{n}": "t0" for n in range(1, 40)}


def test_an_answer_to_a_retweet_is_one_to_the_original() -> None:
    resolved = resolve_retweets(
        tweets(("t1", "a", None, None), ("t2", "b", None, "t1"), ("t3", "c", "t2", None))
    )
    assert resolved.tweets.row(2, named=True)["reply_to"] == "t1"
    assert to_roots(pl.Series(["t3", "t2", "t1", "t2"]), resolved.roots).to_list() == ["t3", "t1", "t1", "t1"]


def test_a_second_retweet_by_the_same_author_is_one_too_many() -> None:
    resolved = resolve_retweets(
        tweets(
            ("t1", "a", None, None),
            ("t2", "b", None, "t1"),
            ("t3", "b", None, "t2"),
            ("t4", "c", None, "t1"),
            ("t5", "b", None, None),
        )
    )
    assert resolved.tweets["again"].to_list() == [False, False, True, False, False]


def test_circles_are_found_and_so_is_what_leads_into_them() -> None:
    resolved = resolve_retweets(
        tweets(
            ("t1", "a", None, "t2"),
            ("t2", "b", None, "t1"),
            ("t3", "c", None, "t1"),
            ("t4", "d", None, "t4"),
            ("t5", "e", None, None),
        )
    )
    assert resolved.tweets["circular"].to_list() == [True, True, True, True, False]
    assert resolved.roots.is_empty()


def test_nothing_is_fine() -> None:
    resolved = resolve_retweets(tweets())
    assert resolved.tweets.is_empty()
    assert resolved.roots.columns == ["tweet", "root"]
