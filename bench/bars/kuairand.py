"""KuaiRand from its files to the ranked feed of a real viewer, by the product's own commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import polars as pl

from bench.bars.bar import Result
from wiring.home import Home
from wiring.running_stack import running_stack
from wiring.settings import PREFIX

SPLIT = "2022-05-01T00:00+08:00"
AUC = 0.66
SECONDS = 240


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
        orders = {one["name"]: one for one in json.loads(report.read_text())["orders"]}
        with running_stack(Home(home), environment, print) as state:
            viewer = rankfeed("id", _namespace(data), _busiest(data)).strip()
            token = rankfeed("token", "--user", viewer).strip()
            page = httpx.get(
                f"{state.api_url}/v1/feed?algorithm=ranked&limit=10",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            ).json()
    seconds = time.monotonic() - began_s
    for place, tweet in enumerate(page["tweets"]):
        print(f"{place + 1:3} {tweet['created_at'][:10]} {tweet['text']} · {tweet['author']['handle']}")
    model, item = orders["model"]["auc"], orders["item's click-through alone"]["auc"]
    ranked = page["meta"]["algorithm_served"] == "ranked" and len(page["tweets"]) == 10
    return Result(
        "KuaiRand, files to a real viewer's ranked feed",
        f"AUC click {model:.4f}, item's click-through alone {item:.4f}, {seconds:.0f} s, "
        f"served {page['meta']['algorithm_served']}",
        f"AUC ≥ {AUC}, above the item's; ≤ {SECONDS} s; served ranked",
        model >= AUC and model > item and seconds <= SECONDS and ranked,
        seed="1",
    )


def _namespace(data: Path) -> str:
    namespace: str = json.loads((data / "meta.json").read_text())["namespaces"]["viewers"]
    return namespace


def _busiest(data: Path) -> str:
    follows = pl.read_parquet(data / "follows.parquet")
    return str(follows.group_by("follower").len().sort("len", "follower", descending=True).row(0)[0])
