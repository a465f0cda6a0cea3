"""KuaiRand's files converted and imported by the product's own commands: lake and features included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.bars.bar import Result
from bench.bars.cpu import cpu_s
from stores.lake import LakeReader
from wiring.environment import PREFIX
from wiring.home import Home
from wiring.running_stack import running_stack

SPLIT = "2022-05-01T00:00+08:00"
SECONDS = 120
DUPLICATES = 5_877


def measure(arguments: list[str]) -> Result:
    """`make bar-import ARGS=DIRECTORY`, where the four Parquet files lie. A stack is running already."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.exit("say where the KuaiRand files are: make bar-import ARGS=/path/to/kuairand")
    with tempfile.TemporaryDirectory(prefix="rankfeed-import-") as directory:
        data, home, report = (Path(directory) / name for name in ("data", "home", "convert.json"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        environment |= {f"{PREFIX}HOME": str(home)}

        def rankfeed(*command: str) -> float:
            began_s = time.monotonic()
            subprocess.run([sys.executable, "-m", "wiring.cli", *command], env=environment, check=True)
            return time.monotonic() - began_s

        with running_stack(Home(home), environment, print) as state:
            converting_s = rankfeed(
                *("convert", "kuairand", arguments[0], str(data)),
                *("--follow-engaged", "--until", SPLIT, "--report", str(report)),
            )
            importing_s = rankfeed("import", str(data))
            used_s = cpu_s(_children_of(state.pid))
        converted = json.loads(report.read_text())
        reader = LakeReader(Home(home).lake)
        views = reader.scan("views").collect().height
    seconds = converting_s + importing_s
    told = sum(
        count for kind, count in converted["engagements"].items() if kind in ("click", "dwell", "hide")
    )
    expected = converted["rows"]["impressions"] + told
    return Result(
        "KuaiRand, convert and import, lake and features included",
        f"{seconds:.0f} s (convert {converting_s:.0f}, import {importing_s:.0f}; the stack took {used_s:.0f} "
        f"CPU s), {converted['duplicates']:,} duplicates reported, {views:,} of {expected:,} views there",
        f"≤ {SECONDS} s, {DUPLICATES:,} duplicates reported, every view in the lake",
        seconds <= SECONDS and converted["duplicates"] == DUPLICATES and views == expected,
    )


def _children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
