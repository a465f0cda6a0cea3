"""What docs/models.md claims of commands, bounds and metrics."""

from __future__ import annotations

import re
from pathlib import Path

from ranking import model_slot
from ranking.admission import MAX_DIFF
from ranking.registered import MAX_CHALLENGERS
from wiring.cli.models import models

PAGE = (Path(__file__).resolve().parents[3] / "docs/models.md").read_text()


def test_it_has_every_command_about_models() -> None:
    assert set(models.commands) == set(re.findall(r"^rankfeed models ([a-z]+)", PAGE, re.M))


def test_its_numbers_are_those_of_the_code() -> None:
    assert MAX_CHALLENGERS == 3
    assert "up to three challengers" in PAGE
    assert f"every {model_slot.RETRY_S:.0f} s" in PAGE
    assert float(re.findall(r"more than (1e-\d)", PAGE)[0]) == MAX_DIFF


def test_its_metrics_are_those_of_the_code() -> None:
    metrics = (model_slot.LOADED, model_slot.WARM, model_slot.REFUSED)
    names = {name for metric in metrics for family in metric.collect() for name in (family.name,)}
    told = {name.removesuffix("_total") for name in re.findall(r"`(rankfeed_[a-z_]+)", PAGE)}
    assert told == names
