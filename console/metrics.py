"""What other processes measure: their metrics in Prometheus' text format, fetched and read."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from core.errors import Unavailable

TIMEOUT_S = 1.0
_MAX_BYTES = 4 * 1024 * 1024


class Sample(NamedTuple):
    """One series: its name with what a histogram appends (`…_bucket`), and its labels, sorted."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def label(self, name: str) -> str:
        """ "" where it has no such label."""
        return next((value for key, value in self.labels if key == name), "")


Samples = Mapping[Sample, float]


class Scraper:
    """Asks for the `names` of samples alone: all that a process measures is 50 times as much."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names: dict[str, Sequence[str]] = {"name[]": names}
        # Neighbours of ours, on this machine: no proxy that the environment names stands in between.
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False)

    async def __aenter__(self) -> Scraper:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def read(self, url: str) -> Samples:
        """Those of the process whose metrics are at `url`; raises Unavailable where it does not give any."""
        try:
            # httpx' own limit is for each part; this one is for all of them.
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._client.stream("GET", url, params=self._names) as answer,
            ):
                answer.raise_for_status()
                said = bytearray()
                async for part in answer.aiter_bytes():
                    said += part
                    if len(said) > _MAX_BYTES:
                        raise Unavailable(f"{url} gives more than {_MAX_BYTES:,} bytes of metrics")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            raise Unavailable(f"{url} does not answer ({type(exc).__name__})") from exc
        return parse(said.decode(errors="replace"))


def parse(text: str) -> Samples:
    """All samples of a page of metrics; raises Unavailable for what is none."""
    try:
        return {
            Sample(one.name, tuple(sorted(one.labels.items()))): one.value
            for family in text_string_to_metric_families(text)
            for one in family.samples
            if not math.isnan(one.value)
        }
    except ValueError as exc:
        raise Unavailable(f"not metrics: {exc}") from exc


def increases(now: Samples, before: Samples) -> dict[Sample, float]:
    """What was added to each counter since; gauges mean nothing in it. One that fell began anew, at 0."""
    earlier = {sample: before.get(sample, 0.0) for sample in now}
    return {
        sample: value - earlier[sample] if value >= earlier[sample] else value
        for sample, value in now.items()
    }


def of(samples: Samples, name: str) -> Iterator[tuple[Sample, float]]:
    """Those of one name."""
    return ((sample, value) for sample, value in samples.items() if sample.name == name)


def summed(samples: Samples, name: str, by: str) -> dict[str, float]:
    """Sums by the values of a label."""
    sums: dict[str, float] = {}
    for sample, value in of(samples, name):
        sums[sample.label(by)] = sums.get(sample.label(by), 0.0) + value
    return sums


def quantile(samples: Samples, histogram: str, q: float, **labels: str) -> float | None:
    """The q-quantile of a histogram's observations with these labels, within a bucket as if evenly spread (as
    Prometheus' histogram_quantile); beyond the last bound that bound. None where nothing was observed."""
    bounds: dict[float, float] = {}
    for sample, value in of(samples, f"{histogram}_bucket"):
        if all(sample.label(name) == wanted for name, wanted in labels.items()):
            bound = float(sample.label("le"))
            bounds[bound] = bounds.get(bound, 0.0) + value
    total = bounds.get(math.inf, 0.0)
    if total <= 0:
        return None
    lower = below = 0.0
    for bound, upto in sorted(bounds.items()):
        if upto >= q * total:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (q * total - below) / (upto - below) if upto > below else bound
        lower, below = bound, upto
    return lower
