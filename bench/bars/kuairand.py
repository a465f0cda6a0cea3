"""KuaiRand from its files to a report by head and a real viewer's ranked feed, by the product's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import polars as pl

from bench.bars.bar import Result
from wiring.environment import PREFIX
from wiring.home import Home
from wiring.running_stack import running_stack

SPLIT = "2022-05-01T00:00+08:00"
# A prototype came to 0.742, 0.809 and 0.741 with one seed; above 0.77 for click is a leak until explained.
LEAST_AUC = {"click": 0.735, "like": 0.80, "dwell": 0.735}
LEAK_AUC = 0.77
MOST_BELOW_LOGISTIC = 0.005
SECONDS = 240
PATIENCE_S = 30.0


def measure(arguments: list[str]) -> Result:
    """`make bar-kuairand ARGS=DIRECTORY`, where the four Parquet files lie."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.exit("say where the KuaiRand files are: make bar-kuairand ARGS=/path/to/kuairand")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rankfeed-kuairand-") as directory:
        data, home, report = (Path(directory) / name for name in ("data", "home", "evaluation.json"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        environment |= {f"{PREFIX}HOME": str(home)}

        def rankfeed(*command: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "wiring.cli", *command],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            print(done.stdout, end="", flush=True)
            return done.stdout

        rankfeed("convert", "kuairand", arguments[0], str(data), "--follow-engaged", "--until", SPLIT)
        rankfeed("import", str(data))
        rankfeed("train", "--until", SPLIT, "--promote")
        rankfeed("evaluate", "--from", SPLIT, "--json", str(report))
        # What is served afterwards is no part of the way from the files to the report.
        seconds = time.monotonic() - began_s
        heads = json.loads(report.read_text())["heads"]
        with running_stack(Home(home), environment, print) as state:
            viewer = rankfeed("id", _namespace(data), _busiest(data)).strip()
            token = rankfeed("token", "--user", viewer).strip()
            page, ranked_s = _ranked_page(state.api_url, token)
    for place, tweet in enumerate(page["tweets"]):
        print(f"{place + 1:3} {tweet['created_at'][:10]} {tweet['text']} · {tweet['author']['handle']}")
    ranked = page["meta"]["algorithm_served"] == "ranked" and len(page["tweets"]) == 10
    held = [_holds(head, heads.get(head)) for head in LEAST_AUC]
    bars = ", ".join(f"{head} {least}" for head, least in LEAST_AUC.items())
    return Result(
        "KuaiRand, files to a report, and a real viewer's ranked feed",
        f"{'; '.join(words for words, _ in held)}; {seconds:.0f} s; served "
        f"{page['meta']['algorithm_served']} {ranked_s:.1f} s after the stack was up",
        f"AUC {bars}; above popularity (paired interval > 0); at most {MOST_BELOW_LOGISTIC} below the "
        f"regression; ≤ {SECONDS} s; served ranked",
        all(holds for _, holds in held) and seconds <= SECONDS and ranked,
        seed="1",
    )


def _ranked_page(api_url: str, token: str) -> tuple[dict[str, Any], float]:
    """The first page that is ranked, and how long after the first request: rows come back into a Redis that
    starts empty, and until then a feed is in time order and says so."""
    began_s = time.monotonic()
    while True:
        page = httpx.get(
            f"{api_url}/v1/feed?algorithm=ranked&limit=10",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        ).json()
        waited_s = time.monotonic() - began_s
        if page["meta"]["algorithm_served"] == "ranked" or waited_s > PATIENCE_S:
            return page, waited_s
        time.sleep(0.1)


def _holds(head: str, report: dict[str, Any] | None) -> tuple[str, bool]:
    """What a head came to in words, and whether it is enough."""
    if report is None or report["auc"] is None:
        return f"{head} not judged", False
    auc, lo, hi = (report["auc"][end] for end in ("value", "lo", "hi"))
    popular, logistic = (report["baselines"][name]["gain"]["auc"] for name in ("popularity", "logistic"))
    words = (
        f"{head} {auc:.4f} ({lo:.4f} to {hi:.4f}), {popular['value']:+.4f} ({popular['lo']:+.4f} to "
        f"{popular['hi']:+.4f}) popularity, {logistic['value']:+.4f} ({logistic['lo']:+.4f} to "
        f"{logistic['hi']:+.4f}) logistic"
    )
    enough = auc >= LEAST_AUC[head] and popular["lo"] > 0 and logistic["value"] >= -MOST_BELOW_LOGISTIC
    return words, enough and (head != "click" or auc <= LEAK_AUC)


def _namespace(data: Path) -> str:
    namespace: str = json.loads((data / "meta.json").read_text())["namespaces"]["viewers"]
    return namespace


def _busiest(data: Path) -> str:
    follows = pl.read_parquet(data / "follows.parquet")
    return str(follows.group_by("follower").len().sort("len", "follower", descending=True).row(0)[0])
