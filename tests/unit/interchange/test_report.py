from __future__ import annotations

from interchange.report import ImportReport, Refusal


def test_an_import_says_what_it_did_and_what_it_left() -> None:
    report = ImportReport(
        "d1",
        "a world",
        0,
        written={"users": 1_200, "seen": 0, "click": 3},
        there={"users": 7},
        duplicates={"users": 2, "tweets": 0},
        not_imported={"comment": 4},
        handles_replaced=5,
        references_dropped=6,
        refusals=[Refusal("tweets", "its author is not in users", 8, ["row 3: tweet='x'"])],
        assumptions=["nobody follows anybody"],
        seconds=1.25,
    )
    assert report.lines() == [
        "imported 1,200 users, 3 click in 1.2 s",
        "there already, or said twice: 7 users",
        "exact duplicates dropped: 2 users",
        "not imported, for want of such an event: 4 comment",
        "5 handles were taken or not allowed, and made anew",
        "6 tweets answer a tweet that is not in the data; they came in without the reference",
        "tweets: 8 rows refused, its author is not in users (such as row 3: tweet='x')",
        "assumption: nobody follows anybody",
    ]


def test_a_finished_import_says_that_nothing_was_changed() -> None:
    report = ImportReport("d1", "a world", 0, already_done=True, written={"users": 5}, there={"users": 2})
    assert report.lines() == [
        "a world was imported before (digest d1); nothing was changed",
        "its rows: 7 users",
    ]
