"""Logs: what finds no room comes later, and nothing of it in pieces."""

from __future__ import annotations

import os

from wiring.process import LogFile


def test_lines_that_find_no_room_are_written_once_there_is_some() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    log = LogFile(writing)
    room = b"." * 65_536
    os.write(writing, room)
    for number in range(3):
        log.write(f"line {number}\n")
    assert os.read(reading, 65_536) == room
    log.write("line 3\n")
    assert os.read(reading, 65_536).decode().splitlines() == [f"line {number}" for number in range(4)]
    os.close(reading)
    # Nobody reads any more: that is no reason to end, either.
    log.write("line 4\n")
    os.close(writing)


def test_what_is_kept_has_an_end_and_whole_lines() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    log = LogFile(writing)
    os.write(writing, b"." * 65_536)
    for number in range(2_000):
        log.write(f"line {number:060}\n")
    os.read(reading, 65_536)
    log.flush()
    said = os.read(reading, 65_536)
    log.flush()
    lines = (said + os.read(reading, 65_536)).decode().splitlines()
    assert lines == [f"line {number:060}" for number in range(len(lines))]
    assert 65_536 <= sum(len(line) + 1 for line in lines) < 65_536 + 66
    os.close(reading)
    os.close(writing)
