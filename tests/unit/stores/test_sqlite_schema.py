"""Files of before: their rows stay, duplicates that were possible then included, and reads walk indices."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from core.ids import TweetId, UserId
from core.types import Tweet, User
from stores.ports import Counts, Posted
from stores.sqlite import open_facts
from stores.sqlite_engagements import SqliteEngagementStore
from stores.sqlite_schema import FACTS
from stores.sqlite_tweets import SqliteTweetStore
from stores.sqlite_users import SqliteUserStore
from tests.fakes import FakeClock

FIRST_RELEASE = 14
"""How many statements there were before tweets could be deleted."""


async def test_a_file_of_before_deletion_is_upgraded_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    connection = sqlite3.connect(path)
    for statement in FACTS[:FIRST_RELEASE]:
        connection.execute(statement)
    connection.execute("INSERT INTO users VALUES (1, 'Ada', 'ada', 'Ada', 5)")
    connection.executemany("INSERT INTO tweets VALUES (?, 1, '', 5, NULL, ?)", [(7, None), (8, 7), (9, 7)])
    connection.execute(f"PRAGMA user_version = {FIRST_RELEASE}")
    connection.commit()
    connection.close()
    database = open_facts(path)
    try:
        tweets = SqliteTweetStore(database, FakeClock(), 16)
        users = SqliteUserStore(database, FakeClock(), 16)
        engagements = SqliteEngagementStore(database, FakeClock(), 16)
        assert (await tweets.newest_ids(np.array([1]), before=None, limit=9)).tolist() == [9, 8, 7]
        # Two retweets by one user are of before; there is no third.
        third = Tweet(TweetId(10), UserId(1), "", 5, retweet_of=TweetId(7))
        earlier = Tweet(TweetId(8), UserId(1), "", 5, retweet_of=TweetId(7))
        assert await tweets.create(third, None, []) == Posted(retweet=earlier)
        assert await engagements.counts([7]) == {7: Counts(0, 2, 0)}
        await users.change(UserId(1), display_name="Ada King", ver=1, outbox=[])
        assert await users.get_many([1]) == {1: User(UserId(1), "Ada", "Ada King", 5)}
    finally:
        database.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM tweets WHERE author = 1 AND id <= 9 AND deleted_ver IS NULL ORDER BY id DESC",
        "SELECT count(*) FROM tweets WHERE retweet_of = 7 AND deleted_ver IS NULL",
        "SELECT count(*) FROM tweets WHERE reply_to = 7 AND deleted_ver IS NULL",
    ],
)
def test_an_authors_tweets_and_counts_are_read_from_an_index_alone(query: str) -> None:
    connection = sqlite3.connect(":memory:")
    for statement in FACTS:
        connection.execute(statement)
    (plan,) = connection.execute(f"EXPLAIN QUERY PLAN {query}")
    connection.close()
    assert "USING COVERING INDEX live_" in plan[3]
    assert "TEMP B-TREE" not in plan[3]
