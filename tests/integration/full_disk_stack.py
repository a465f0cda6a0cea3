"""A stack whose disk gets full under writes, and has room again: `python -m … DIRECTORY KIND`.

A program of its own, because the disk is mounted for nobody else.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.live_stack import ROLES, LiveStack, live_stack
from tests.e2e.people import Person, http_client, make_people
from tests.e2e.waiting import eventually
from tests.integration.small_disk import small_disk

CLIENTS = 30


class Writers:
    """Each posts without an end, and repeats with the same key what was refused."""

    def __init__(self, authors: Sequence[Person]) -> None:
        self._authors = authors
        self._stopped = False
        self.acknowledged: dict[str, int] = {}
        self.refused = 0

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    def stop(self) -> None:
        self._stopped = True

    async def more(self, *, acknowledged: int = 0, refused: int = 0) -> None:
        """Returns once so many more were acknowledged, and so many more refused."""
        wanted = len(self.acknowledged) + acknowledged, self.refused + refused

        async def reached() -> bool:
            return len(self.acknowledged) >= wanted[0] and self.refused >= wanted[1]

        await eventually(f"{acknowledged} more are acknowledged, {refused} more refused", reached)

    async def _client(self, number: int) -> None:
        author, turn = self._authors[number % len(self._authors)], 0
        while not self._stopped:
            # What is open when it ends is asked for until it is answered: nothing stays unknown.
            await self._post(author, f"c-{number}-{turn}")
            turn += 1

    async def _post(self, author: Person, key: str) -> None:
        while True:
            headers, body = {"Idempotency-Key": key}, {"text": key}
            answer = await author.call("POST", "/v1/tweets", json=body, headers=headers)
            if answer.status_code == 201:
                self.acknowledged[key] = int(answer.json()["tweet_id"])
                return
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
            assert answer.headers["Retry-After"]
            self.refused += 1
            await asyncio.sleep(0.05)


async def the_day(home: Path, kind: str) -> None:
    disk = small_disk(home, kind)
    with live_stack(home) as stack:
        async with http_client(stack) as http:
            *authors, viewer = await make_people(stack, http, 4)
            for author in authors:
                await viewer.follow(author)
            pids = {role: stack.pid(role) for role in ROLES}
            writers = Writers(authors)
            writing = asyncio.create_task(writers.run())
            await writers.more(acknowledged=200)
            disk.fill(pids.values())
            await writers.more(refused=200)
            # Nothing has to be written for it.
            assert (await viewer.page())["tweets"]
            disk.free(pids.values())
            await writers.more(acknowledged=200)
            writers.stop()
            await writing
            await stack.drained()
            tweets = await viewer.feed()
            shown = {tweet["text"]: int(tweet["tweet_id"]) for tweet in tweets}
            assert len(shown) == len(tweets)
            assert shown == writers.acknowledged
            _check_words(stack, pids)


def _check_words(stack: LiveStack, pids: dict[str, int]) -> None:
    said = (stack.home.logs / "api.log").read_text()
    assert "facts.db did not take the write" in said, said
    # Nobody was started again.
    assert " ended (" not in stack.words(), stack.words()
    assert {role: stack.pid(role) for role in ROLES} == pids


if __name__ == "__main__":
    asyncio.run(the_day(Path(sys.argv[1]), sys.argv[2]))
