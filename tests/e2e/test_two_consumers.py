"""Two consumers of one group on Kafka, one killed and one added, under load: every effect is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.two_consumers import kill_one_and_add_one


@pytest.mark.kill
async def test_one_is_killed_and_one_is_added_under_load(tmp_path: Path, place: dict[str, str]) -> None:
    await kill_one_and_add_one(tmp_path, place)
