"""The machine's clock is set back by 5 s under load: no id twice, nothing lost, and nobody waits for it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.crowd import CLIENTS, Crowd, check_feeds
from tests.e2e.live_stack import live_stack
from tests.e2e.people import http_client, make_people
from tests.faults.stepped_entry import STEP

COMMAND = (sys.executable, "-m", "tests.faults.stepped_stack")
STEP_MS = -5_000


async def test_a_clock_that_steps_back_and_catches_up(tmp_path: Path) -> None:
    with live_stack(tmp_path, command=COMMAND) as stack:
        async with http_client(stack) as http:
            *authors, viewer, fickle = await make_people(stack, http, 5)
            for author in authors:
                await viewer.follow(author)
                await fickle.follow(author)
            crowd = Crowd(authors)
            await crowd.post(1)
            before = set(crowd.tweet_ids.values())
            (tmp_path / STEP).write_text(str(STEP_MS))
            await crowd.post(1)
            # What is set now must count as later than what was set before the step.
            await fickle.unfollow(authors[0])
            after = set(crowd.tweet_ids.values()) - before
            # The process that goes on does so where it was; the step does not show in its ids.
            assert min(after) > max(before)
            former = stack.kill("api")
            stack.await_restart("api", former)
            await crowd.post(1)
            (tmp_path / STEP).write_text("0")
            await crowd.post(1)
            ids = crowd.tweet_ids.values()
            assert len(set(ids)) == len(ids) == 4 * CLIENTS
            await stack.drained()
            await check_feeds(crowd, [viewer])
            kept = {id_ for key, id_ in crowd.tweet_ids.items() if crowd.author_of(key) is not authors[0]}
            assert set(await fickle.feed_ids()) == kept
