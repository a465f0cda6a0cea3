"""One SQLite file: group commit, what an error undoes, and files that are not to be opened."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError, Unavailable
from stores.sqlite_database import SqliteDatabase

SCHEMA = ("CREATE TABLE facts (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE)",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "facts.db"


@pytest.fixture
def database(path: Path) -> Iterator[SqliteDatabase]:
    opened = SqliteDatabase.open(path, SCHEMA, "FULL")
    yield opened
    opened.close()


class Gate:
    """An operation that holds the writer up, so that what follows gathers into one commit."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._opened = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> None:
        self.entered.set()
        assert self._opened.wait(30)

    def open(self) -> None:
        self._opened.set()


def insert(connection: sqlite3.Connection, value: str) -> int:
    row_id = connection.execute("INSERT INTO facts (value) VALUES (?)", (value,)).lastrowid
    assert row_id is not None
    return row_id


def inserting(value: str) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: insert(connection, value)


def overwrite_from(path: Path, position: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:position] + b"\xff" * (len(content) - position))


async def outcomes(*futures: Future[Any]) -> list[Any]:
    """What each came to, errors included."""
    return await asyncio.gather(*(asyncio.wrap_future(future) for future in futures), return_exceptions=True)


def stored(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT value FROM facts ORDER BY id")]


async def test_a_read_sees_every_write_that_returned(database: SqliteDatabase) -> None:
    for number in range(50):
        await database.write(inserting(f"v{number}"))
        assert len(await database.read(stored)) == number + 1


async def test_what_gathers_while_the_writer_is_busy_is_one_commit(
    database: SqliteDatabase, path: Path
) -> None:
    def seen_outside(connection: sqlite3.Connection) -> tuple[int, int]:
        with contextlib.closing(sqlite3.connect(path)) as other:
            return len(stored(connection)), len(stored(other))

    gate = Gate()
    waiting = database.submit(gate)
    assert gate.entered.wait(30)
    futures = [database.submit(inserting(f"v{number}")) for number in range(100)]
    last = database.submit(seen_outside)
    gate.open()
    await outcomes(waiting, *futures)
    assert await asyncio.wrap_future(last) == (100, 0)
    assert len(await database.read(stored)) == 100


async def test_what_may_go_with_the_power_waits_for_no_disk_and_tidies_up(database: SqliteDatabase) -> None:
    def level(connection: sqlite3.Connection) -> tuple[int, int]:
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        (pages,) = connection.execute("PRAGMA wal_autocheckpoint").fetchone()
        return synchronous, pages

    full, normal = (2, 16_000), (1, 1_000)
    alone = [await database.write(level, durable=durable) for durable in (True, False, True)]
    assert alone == [full, normal, full]
    # Not where one is among them that waits.
    gate = Gate()
    held = database.submit(gate)
    await asyncio.to_thread(gate.entered.wait, 30)
    together = [database.submit(level, durable=durable) for durable in (False, True, False)]
    gate.open()
    assert await outcomes(held, *together) == [None, full, full, full]


async def test_one_failing_operation_does_not_undo_its_neighbours(database: SqliteDatabase) -> None:
    def half_done(connection: sqlite3.Connection) -> None:
        insert(connection, "half")
        raise KeyError("a bug after the first statement")

    gate = Gate()
    waiting = database.submit(gate)
    assert gate.entered.wait(30)
    first = database.submit(inserting("first"))
    bug = database.submit(half_done)
    twice = database.submit(inserting("first"))
    wrong_sql = database.submit(lambda connection: connection.execute("SELECT no_such_column FROM facts"))
    last = database.submit(inserting("last"))
    gate.open()
    came_to = await outcomes(waiting, first, bug, twice, wrong_sql, last)
    assert [type(outcome) for outcome in came_to] == [
        type(None),
        int,
        KeyError,
        sqlite3.IntegrityError,
        sqlite3.OperationalError,
        int,
    ]
    assert await database.read(stored) == ["first", "last"]
    # Nothing of one's error is in another's.
    assert [outcome.__context__ for outcome in came_to if isinstance(outcome, Exception)] == [None] * 3


async def test_beside_one_that_fails_rows_are_written_that_are_there_once(database: SqliteDatabase) -> None:
    """For the one that fails all of the commit are run again."""

    def failing(connection: sqlite3.Connection) -> None:
        raise KeyError("a bug")

    gate = Gate()
    waiting = database.submit(gate)
    assert gate.entered.wait(30)
    rows = ((f"row {number}",) for number in range(3))
    writing = asyncio.ensure_future(database.write_rows("INSERT INTO facts (value) VALUES (?)", rows))
    await asyncio.sleep(0)
    bug = database.submit(failing)
    gate.open()
    assert [type(outcome) for outcome in await outcomes(waiting, bug)] == [type(None), KeyError]
    await writing
    assert await database.read(stored) == ["row 0", "row 1", "row 2"]


async def test_a_wrong_statement_is_a_bug_and_not_a_neighbour_away(database: SqliteDatabase) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.write(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.read(lambda connection: connection.execute("SELECT * FROM nowhere"))


async def test_a_start_does_not_wait_for_who_writes(path: Path) -> None:
    SqliteDatabase.open(path, SCHEMA, "FULL").close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        opened = SqliteDatabase.open(path, SCHEMA, "FULL")
        writer.execute("COMMIT")
    await opened.write(inserting("here"))
    opened.close()


async def test_no_cursor_leaves_the_connections_own_thread(database: SqliteDatabase) -> None:
    def leave_in_the_frame(connection: sqlite3.Connection) -> None:
        cursor = connection.execute("SELECT value FROM facts")
        cursors.append(weakref.ref(cursor))
        raise KeyError("a bug while reading")

    cursors: list[weakref.ref[sqlite3.Cursor]] = []
    for call in (database.write, database.read, database.look_up):
        with pytest.raises(TypeError, match="gave back its cursor"):
            await call(lambda connection: connection.execute("SELECT value FROM facts"))
        with pytest.raises(KeyError) as kept:
            await call(leave_in_the_frame)
        assert [cursor() for cursor in cursors] == [None] * len(cursors), kept.value
    # A write that fails is run once more.
    assert len(cursors) == 4


async def test_rows_are_written_while_others_write_by_the_same_statement(database: SqliteDatabase) -> None:
    """The writer runs one statement over and over; whoever waited for it holds nothing of it."""
    statement = "INSERT OR REPLACE INTO facts (value) VALUES (?)"
    rounds = [[(f"{number}",)] * 8 for number in range(500)]
    await asyncio.gather(*(database.write_rows(statement, rows) for rows in rounds))
    assert set(await database.read(stored)) == {f"{number}" for number in range(500)}


async def test_what_is_looked_up_together_is_answered_apart(database: SqliteDatabase) -> None:
    def bug(connection: sqlite3.Connection) -> None:
        raise KeyError("a bug")

    threads: list[int] = []

    def thread(connection: sqlite3.Connection) -> int:
        threads.append(threading.get_ident())
        return len(stored(connection))

    await database.write(inserting("there"))
    given_up = asyncio.ensure_future(database.look_up(thread))
    asyncio.get_running_loop().call_soon(given_up.cancel)
    answers = await asyncio.gather(
        database.look_up(thread),
        database.look_up(bug),
        database.look_up(lambda connection: connection.execute("SELECT no_such_column FROM facts")),
        database.look_up(thread),
        given_up,
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [
        int,
        KeyError,
        sqlite3.OperationalError,
        int,
        asyncio.CancelledError,
    ]
    assert (answers[0], answers[3]) == (1, 1)
    # One way to a reader for them all.
    assert len(set(threads)) == 1
    assert await database.look_up(lambda connection: len(stored(connection))) == 1


async def test_an_error_that_no_future_takes_is_told_and_holds_nobody_up(database: SqliteDatabase) -> None:
    def exhausted(connection: sqlite3.Connection) -> int:
        return next(iter(()))

    answers = await asyncio.gather(
        database.look_up(exhausted), database.look_up(lambda connection: 5), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [RuntimeError, int]


async def test_what_was_to_be_looked_up_when_the_file_was_closed_is_told(database: SqliteDatabase) -> None:
    looking = asyncio.ensure_future(database.look_up(stored))
    asyncio.get_running_loop().call_soon(database.close)
    with pytest.raises(Unavailable, match="is closed"):
        await looking
    with pytest.raises(Unavailable, match="is closed"):
        await database.look_up(stored)


async def test_readers_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        await database.read(inserting("sneaked in"))


async def test_closing_waits_for_the_writes_that_were_accepted(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA, "FULL")
    gate = Gate()
    waiting = database.submit(gate)
    assert gate.entered.wait(30)
    rows: list[Future[Any]] = [database.submit(inserting(f"v{number}")) for number in range(600)]
    closing = threading.Thread(target=database.close)
    closing.start()
    gate.open()
    closing.join(30)
    assert waiting.done()
    assert all(row.done() for row in rows)
    reopened = SqliteDatabase.open(path, SCHEMA, "FULL")
    assert len(await reopened.read(stored)) == 600
    reopened.close()


async def test_a_closed_file_takes_nothing_and_says_so(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA, "NORMAL")
    database.close()
    database.close()
    with pytest.raises(Unavailable, match="closed"):
        await database.write(stored)
    with pytest.raises(Unavailable, match="closed"):
        await database.read(stored)


async def test_nothing_submitted_while_closing_waits_for_ever(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA, "NORMAL")
    answered: list[bool] = []

    def submit_until_refused() -> None:
        while True:
            try:
                future = database.submit(stored)
            except Unavailable:
                return
            future.result(timeout=30)
            answered.append(True)

    threads = [threading.Thread(target=submit_until_refused) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(answered) < 20:
        await asyncio.to_thread(threads[0].join, 0.01)
    await asyncio.to_thread(database.close)
    for thread in threads:
        await asyncio.to_thread(thread.join, 30)
        assert not thread.is_alive()


async def test_a_write_that_its_caller_gave_up_does_not_hold_up_the_next(database: SqliteDatabase) -> None:
    gate = Gate()
    waiting = database.submit(gate)
    assert gate.entered.wait(30)
    given_up = asyncio.ensure_future(database.write(inserting("given up")))
    following = asyncio.ensure_future(database.write(inserting("following")))
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    given_up.cancel()
    gate.open()
    await following
    await asyncio.wrap_future(waiting)
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert "following" in await database.read(stored)


async def test_a_full_disk_is_unavailable_for_all_of_the_commit_and_passes(database: SqliteDatabase) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        insert(connection, "x" * 1_000_000)

    gate = Gate()
    waiting = database.submit(gate)
    assert gate.entered.wait(30)
    futures: list[Future[Any]] = [
        database.submit(inserting("before")),
        database.submit(fill),
        database.submit(inserting("after")),
    ]
    gate.open()
    came_to = await outcomes(waiting, *futures)
    assert [type(outcome) for outcome in came_to] == [type(None), *[Unavailable] * 3]
    assert len({id(outcome) for outcome in came_to[1:]}) == 3
    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    await database.write(inserting("again"))
    assert await database.read(stored) == ["again"]


async def test_a_file_of_an_older_schema_is_upgraded_and_keeps_its_rows(path: Path) -> None:
    old = SqliteDatabase.open(path, SCHEMA, "FULL")
    await old.write(inserting("kept"))
    old.close()
    upgraded = SqliteDatabase.open(path, (*SCHEMA, "ALTER TABLE facts ADD COLUMN note TEXT"), "FULL")
    rows = await upgraded.read(
        lambda connection: connection.execute("SELECT value, note FROM facts").fetchall()
    )
    assert rows == [("kept", None)]
    upgraded.close()


def test_a_file_of_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    SqliteDatabase.open(path, (*SCHEMA, "CREATE TABLE later (id INTEGER)"), "FULL").close()
    with pytest.raises(ConfigurationError, match=r"newer rankfeed \(schema 2, this code knows 1\)"):
        SqliteDatabase.open(path, SCHEMA, "FULL")
    SqliteDatabase.open(path, (*SCHEMA, "CREATE TABLE later (id INTEGER)"), "FULL").close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    SqliteDatabase.open(path, SCHEMA, "FULL").close()
    with pytest.raises(ConfigurationError):
        SqliteDatabase.open(path, (*SCHEMA, "CREATE TABLE later (id INTEGER)", "NOT SQL"), "FULL")
    SqliteDatabase.open(path, (*SCHEMA, "CREATE TABLE later (id INTEGER)"), "FULL").close()


def test_a_file_that_is_no_database_is_refused_with_what_to_do(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database\n" * 400)
    with pytest.raises(ConfigurationError, match="restore it from a backup") as caught:
        SqliteDatabase.open(path, SCHEMA, "FULL")
    assert str(path) in str(caught.value)


async def test_a_damaged_page_is_reported_as_the_files_fault(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA, "FULL")
    for number in range(40):
        await database.write(inserting(f"{number:03}" * 400))
    database.close()
    # The first page, with the header and the schema, stays whole.
    overwrite_from(path, 4096)
    damaged = SqliteDatabase.open(path, SCHEMA, "FULL")
    with pytest.raises(Unavailable, match="malformed"):
        await damaged.read(stored)
    with pytest.raises(Unavailable, match="malformed"):
        await damaged.write(inserting("more"))
    damaged.close()


def test_a_directory_that_cannot_be_made_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError):
        SqliteDatabase.open(tmp_path / "file" / "facts.db", SCHEMA, "FULL")


async def test_two_databases_on_one_file_see_each_others_writes(database: SqliteDatabase, path: Path) -> None:
    other = SqliteDatabase.open(path, SCHEMA, "FULL")
    await asyncio.gather(
        *((database if number % 2 else other).write(inserting(f"v{number}")) for number in range(200))
    )
    assert len(await database.read(stored)) == len(await other.read(stored)) == 200
    other.close()
