"""What docs/log.md claims of topics and groups."""

from __future__ import annotations

import re
from pathlib import Path

from eventlog import kafka_topics
from wiring.cli.log_arguments import TOPICS
from wiring.draining import GROUPS
from wiring.resources import EMBEDDED_PARTITIONS

PAGE = (Path(__file__).resolve().parents[3] / "docs/log.md").read_text()
DAY_MS = 24 * 3_600_000


def test_topics_have_the_partitions_and_the_retention_that_it_says() -> None:
    rows = re.findall(r"^\| `([a-z.0-9]+)` \|.*\| (\d+) \| (\d+) days \|$", PAGE, re.M)
    assert [(name, int(partitions), int(days) * DAY_MS) for name, partitions, days in rows] == [
        (spec.name, spec.partitions, spec.retention_ms) for spec in kafka_topics.TOPICS
    ]
    assert tuple(name for name, _, _ in rows) == TOPICS
    assert f"The embedded log has {EMBEDDED_PARTITIONS} partitions" in PAGE


def test_groups_read_the_topics_that_it_says() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (`[^|]*`) \|", PAGE, re.M)
    assert {group: tuple(re.findall(r"`([^`]+)`", topics)) for group, topics in rows} == GROUPS
