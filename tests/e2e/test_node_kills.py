"""One of three killed under a whole stack and started again: no post is lost, and none is there twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.backstage import open_backstage
from tests.e2e.outage_audit import audit
from tests.e2e.outage_load import LoadSize, OutageLoad, load_client
from tests.e2e.waiting import eventually
from tests.e2e.whole_stack import WholeStack, whole_stack
from wiring.servers.local import NAMES

pytestmark = pytest.mark.torture

COPIES = 3
POSTS = 200
UNDER_WAY = 50
PACE_S = 0.5
PATIENCE_S = 120.0
FIRST_ID = 9_000_001


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    with whole_stack(tmp_path_factory.mktemp("three"), COPIES) as whole:
        yield whole


@pytest.mark.parametrize("node", range(1, COPIES + 1))
@pytest.mark.parametrize("name", NAMES)
async def test_a_node_is_killed_and_back(three: WholeStack, name: str, node: int) -> None:
    first_id = FIRST_ID + 1_000 * (COPIES * NAMES.index(name) + node)
    async with load_client(three.stack.url) as http, open_backstage(three.stack.settings) as backstage:
        load = OutageLoad(http, three.stack.token, LoadSize(), first_id)
        await load.prepare()

        async def posted(count: int) -> None:
            wanted = len(load.posts) + count

            async def enough() -> bool:
                return len(load.posts) >= wanted

            await eventually(f"{count} more posts", enough, PATIENCE_S)

        async with load.running():
            await posted(POSTS)
            assert load.under_way >= UNDER_WAY
            await three.kill_node(name, node)
            load.pace_s = PACE_S
            await posted(POSTS)
            await three.start_node(name, node)
            await posted(POSTS)
        await backstage.delivered()
        found = await audit(load, backstage)
        assert found.clean, str(found)
        assert {one.status for one in load.of("feed")} == {200}
        assert not load.odd
