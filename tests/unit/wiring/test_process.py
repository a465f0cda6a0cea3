"""Logs: what finds no room comes later, and nothing of it in pieces. Serving ends with who serves."""

from __future__ import annotations

import asyncio
import os

import pytest
from starlette.responses import PlainTextResponse

from wiring.process import LogFile, listen, serve_http


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


async def test_a_server_that_is_cancelled_serves_no_more() -> None:
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve_http(PlainTextResponse("here"), listener, asyncio.Event()))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"here")
    writer.close()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    # Whoever else has the address answers from here on.
    assert listener.fileno() == -1
