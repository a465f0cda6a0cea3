"""Greetings by TLS, to real sockets: who speaks it, who does not, and who does not come to terms."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.tls import greet
from tests.papers import Paper, Papers

TIMEOUT_S = 5.0


@contextmanager
def _server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serves one connection, which ends with the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    serve(connection)
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _by_tls(papers: Papers, version: ssl.TLSVersion, *, asks: bool) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = version
        context.load_cert_chain(papers.server.certificate, papers.server.key)
        if asks:
            context.load_verify_locations(papers.authority.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    return serve


def _client(authority: Paper, own: Paper | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.certificate)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("asks", "own", "kind"),
    [
        (False, None, "fine"),
        (True, "client", "fine"),
        (True, None, "refused"),
        (True, "stranger", "refused"),
    ],
)
def test_what_they_say_to_our_papers(
    papers: Papers, version: ssl.TLSVersion, asks: bool, own: str | None, kind: str
) -> None:
    context = _client(papers.authority, None if own is None else getattr(papers, own))
    with _server(_by_tls(papers, version, asks=asks)) as port:
        assert greet("127.0.0.1", port, context, TIMEOUT_S).kind == kind


def test_papers_of_theirs_that_we_do_not_accept(papers: Papers) -> None:
    serve = _by_tls(papers, ssl.TLSVersion.TLSv1_3, asks=False)
    with _server(serve) as port:
        answer = greet("127.0.0.1", port, _client(papers.stranger), TIMEOUT_S)
    assert (answer.kind, "certificate" in answer.said) == ("untrusted", True)
    with _server(serve) as port:
        answer = greet("localhost", port, _client(papers.authority), TIMEOUT_S)
    assert (answer.kind, "not valid for 'localhost'" in answer.said) == ("untrusted", True)


def test_whether_tls_is_spoken_at_all(papers: Papers) -> None:
    with _server(_by_tls(papers, ssl.TLSVersion.TLSv1_3, asks=True)) as port:
        assert greet("127.0.0.1", port, None, TIMEOUT_S).kind == "fine"


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command\r\n", b""])
def test_who_does_not_speak_it(papers: Papers, said: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(said)

    for context in (None, _client(papers.authority)):
        with _server(serve) as port:
            assert greet("127.0.0.1", port, context, TIMEOUT_S).kind == "absent"


def test_who_says_nothing(papers: Papers) -> None:
    with _server(_wait_for_the_end) as port:
        assert greet("127.0.0.1", port, _client(papers.authority), 0.1).kind == "absent"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        greet("127.0.0.1", port, None, TIMEOUT_S)


def _wait_for_the_end(connection: socket.socket) -> None:
    while connection.recv(1024):
        continue
