"""Serving installs and starts without training's weight."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("polars", "lightgbm", "onnx", "onnxmltools", "sklearn", "scipy", "pandas", "feast", "httpx")
# What a process that serves may import while it runs, the pipelines' included.
SERVING = ("core", "eventlog", "features", "timelines", "ranking", "feed_api", "fanout", "pipelines")


@pytest.mark.parametrize(
    "module", ["wiring.api_process", "wiring.worker_processes", "wiring.cli.processes", "wiring.cli"]
)
def test_what_serves_imports_nothing_that_only_training_needs(module: str) -> None:
    assert _imported(module, HEAVY) == []


@pytest.mark.parametrize(
    ("modules", "needless"),
    [
        # They start again and again in tests and deployments: the commands' own needs are none of theirs.
        ("wiring.cli.processes, wiring.resources, wiring.api_process", ("redis", "wiring.stack")),
        (
            "wiring.cli.processes, wiring.resources, wiring.worker_processes",
            ("redis", "wiring.stack", "jwt", "cryptography", "fastapi"),
        ),
    ],
    ids=["api", "workers"],
)
def test_a_process_imports_what_its_role_needs(modules: str, needless: tuple[str, ...]) -> None:
    assert _imported(modules, needless) == []


def _imported(modules: str, of: tuple[str, ...]) -> list[str]:
    program = f"import sys, {modules}; print(*[m for m in {of!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_no_module_of_a_serving_process_imports_feast() -> None:
    program = (
        "import sys, pkgutil, importlib\n"
        f"for package in {SERVING!r}:\n"
        "    path = importlib.import_module(package).__path__\n"
        "    for module in pkgutil.walk_packages(path, package + '.'):\n"
        "        if not module.name.startswith('features.repo'):\n"
        "            importlib.import_module(module.name)\n"
        "import wiring.api_process, wiring.worker_processes\n"
        "assert 'ranking.home_feed' in sys.modules\n"
        "print(*[m for m in sys.modules if m.partition('.')[0] in ('feast', 'duckdb', 'ibis', 'pandas')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_command_without_its_extra_says_which_one_to_install() -> None:
    program = (
        "import sys; sys.modules['lightgbm'] = None; sys.argv = ['rankfeed', 'train']; "
        "from wiring.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'rankfeed[train]'" in done.stderr
