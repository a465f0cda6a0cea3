"""Other processes' metrics: fetched, read, and reckoned with."""

from __future__ import annotations

import contextlib
import http.server
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from console.metrics import Sample, Samples, Scraper, increases, parse, quantile, summed
from core.errors import Unavailable


def samples_of(observed: list[float]) -> Samples:
    registry = CollectorRegistry()
    seconds = Histogram("seconds", "", ["algorithm"], buckets=(0.1, 0.2, 0.4), registry=registry)
    for value in observed:
        seconds.labels("ranked").observe(value)
    pages = Counter("pages", "", ["rung", "reason"], registry=registry)
    pages.labels("full", "").inc(3)
    pages.labels("cached", "model_slow").inc(2)
    pages.labels("cached", "features_slow").inc()
    Gauge("rung", "", registry=registry).set(2)
    return parse(generate_latest(registry).decode())


def test_samples_have_their_labels() -> None:
    samples = samples_of([])
    assert samples[Sample("rung", ())] == 2
    assert samples[Sample("pages_total", (("reason", ""), ("rung", "full")))] == 3
    assert summed(samples, "pages_total", "rung") == {"full": 3, "cached": 3}


@pytest.mark.parametrize("text", ["<html>", "rung{ 2\n"])
def test_what_is_no_page_of_metrics_is_refused(text: str) -> None:
    with pytest.raises(Unavailable):
        parse(text)


@pytest.mark.parametrize(
    ("observed", "q", "expected"),
    [
        ([0.15, 0.15], 0.5, 0.15),
        ([0.15] * 10, 0.99, 0.199),
        ([0.05, 0.3], 0.5, 0.1),
        ([0.05, 9.0], 0.99, 0.4),
        ([], 0.5, None),
    ],
)
def test_quantiles_lie_within_their_bucket(observed: list[float], q: float, expected: float | None) -> None:
    found = quantile(samples_of(observed), "seconds", q, algorithm="ranked")
    assert found is None if expected is None else found is not None and math.isclose(found, expected)


def test_quantiles_of_an_increase_know_the_bounds_below() -> None:
    grown = increases(samples_of([0.05, 0.3, 0.3]), samples_of([0.05]))
    assert quantile(grown, "seconds", 0.5) == pytest.approx(0.3)


def test_quantiles_of_others_are_left_out() -> None:
    assert quantile(samples_of([0.3]), "seconds", 0.5, algorithm="x") is None


def test_what_a_counter_grew_by_counts_from_zero_where_it_began_anew() -> None:
    first, second = Sample("pages_total", ()), Sample("rows_total", ())
    assert increases({first: 5.0, second: 2.0}, {first: 3.0, second: 9.0}) == {first: 2.0, second: 2.0}


@contextmanager
def served(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """The address of a server that answers so, and the paths that it was asked for."""
    asked: list[str] = []

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/metrics", asked
        finally:
            server.shutdown()
            thread.join()


async def test_only_what_is_wanted_is_asked_for() -> None:
    with served(200, b"rung 1.0\n") as (url, asked):
        async with Scraper(["rung", "pages_total"]) as scraper:
            assert await scraper.read(url) == {Sample("rung", ()): 1.0}
    assert asked == ["/metrics?name%5B%5D=rung&name%5B%5D=pages_total"]


async def test_no_more_is_read_than_a_process_can_have_to_say() -> None:
    with served(200, b"# more\n" * 700_000) as (url, _):
        async with Scraper(["rung"]) as scraper:
            with pytest.raises(Unavailable, match="gives more than 4,194,304 bytes"):
                await scraper.read(url)


async def test_nobody_is_sent_on() -> None:
    with served(307, b"") as (url, asked):
        async with Scraper(["rung"]) as scraper:
            with pytest.raises(Unavailable, match="does not answer"):
                await scraper.read(url)
    assert len(asked) == 1


async def test_who_does_not_answer_well_is_away() -> None:
    async with Scraper(["rung"]) as scraper:
        with served(500, b"") as (url, _), pytest.raises(Unavailable, match="does not answer"):
            await scraper.read(url)
        with pytest.raises(Unavailable, match="does not answer"):
            await scraper.read(url)
        with pytest.raises(Unavailable):
            await scraper.read("nonsense")
