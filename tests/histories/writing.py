"""Writes: the request, the answer that it must get, and what became of it where that is not known."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from core.ids import TweetId, UserId
from tests.histories.asgi import Answer
from tests.histories.history import History
from tests.histories.interruption import Operation
from tests.histories.prologue import Prologue
from tests.histories.sizes import CROWD
from tests.histories.steps import Change, Delete, FollowCrowd, Post, Reply, Retweet
from tests.histories.truth import Edge, Told


class Writing:
    def __init__(self, history: History, prologue: Prologue) -> None:
        self._history = history
        self._prologue = prologue
        self._truth = history.truth
        self._stores = history.world.stores
        # Ids that were minted for what was never answered.
        self._lost: dict[int, Told] = {}

    # -- tweets -------------------------------------------------------------------------------------

    async def post(self, step: Post, operation: Operation) -> None:
        author = self._person(step.author)
        for number in range(step.burst):
            one = operation if number == 0 else Operation()
            await self._create("post", author, {"text": self._history.text()}, Told(0, author), step, one)

    async def reply(self, step: Reply, operation: Operation) -> None:
        author, to = self._person(step.author), self._original(step.to)
        if to is None:
            return
        body: dict[str, object] = {"text": self._history.text(), "reply_to_tweet_id": str(to)}
        await self._create("reply", author, body, Told(0, author, reply_to=to), step, operation)

    async def retweet(self, step: Retweet, operation: Operation) -> None:
        author, of = self._person(step.author), self._original(step.of)
        if of is None:
            return
        body: dict[str, object] = {"retweet_of": str(of)}
        await self._create("retweet", author, body, Told(0, author, retweet_of=of), step, operation)

    async def _create(
        self,
        rule: str,
        author: int,
        body: dict[str, object],
        told: Told,
        step: Post | Reply | Retweet,
        operation: Operation,
    ) -> None:
        history, key = self._history, f"key-{next(self._history.numbers)}"
        expected = self._expected_of_new(told)
        standing = self._standing_retweet(told)

        async def ask(one: Operation) -> Answer:
            return await history.request(
                one, "POST", "/v1/tweets", user=author, via=step.via, json=body, key=key
            )

        certain = self._is_certain()
        answer = await ask(operation)
        certain = certain and self._is_certain() and operation.struck is None
        minted = list(operation.versions)
        if certain:
            assert answer.status in expected, f"{step} {answer}, not {expected}"
        if step.repeat:
            again = Operation()
            second = await ask(again)
            minted += again.versions
            if answer.status == 201:
                assert second == answer, "a key has one answer"
            elif certain:
                assert second.status in expected, f"{step} {second}, not {expected}"
            answer = second if second.status else answer
        if answer.status == 201:
            history.happened[rule] += 1
        else:
            self._lost |= dict.fromkeys(minted, told)
        await self._note_created(told, standing, minted, answer)

    async def _note_created(
        self, told: Told, standing: int | None, minted: list[int], answer: Answer
    ) -> None:
        """Of all the ids that were minted for it at most one is a tweet; the answer's must be."""
        await self._history.finish_writes()
        await self._note_late()
        live = set(await self._stores.tweets.get_many(minted))
        there = live | set(await self._stores.tweets.deletions(minted))
        assert len(there) <= 1, f"one tweet became {there}"
        for tweet in there:
            self._truth.post(
                Told(tweet, told.author, told.reply_to, told.retweet_of, deleted=tweet not in live)
            )
        if answer.status == 201:
            answered = int(answer.json()["tweet_id"])
            # Who is held may have made it a tweet, and not have been answered yet.
            others = self._history.held_versions if told.retweet_of is not None else []
            assert answered in there or self._is_standing(answered, told) or answered in others, (
                f"{answered} was answered, {there} is"
            )
            if standing is not None and self._is_certain():
                assert answered == standing, "a second retweet is answered with the first"

    async def _note_late(self) -> None:
        """A retweet that claimed its original and died is finished by the next one of its author."""
        for tweet in await self._stores.tweets.get_many(list(self._lost)) if self._lost else ():
            self._truth.post(replace(self._lost.pop(tweet), tweet=tweet))

    async def delete(self, step: Delete, operation: Operation) -> None:
        tweets = sorted(self._truth.tweets, reverse=True)
        if not tweets:
            return
        tweet = tweets[step.which % len(tweets)]
        certain = self._is_certain()
        author = self._truth.tweets[tweet].author
        answer = await self._history.request(operation, "DELETE", f"/v1/tweets/{tweet}", user=author)
        if certain and self._is_certain() and operation.struck is None:
            assert answer.status == 204, answer
        await self._history.finish_writes()
        deleted = tweet in await self._stores.tweets.deletions([tweet])
        if answer.status == 204:
            assert deleted, f"the deletion of {tweet} was answered, and is not there"
            self._history.happened["delete"] += 1
        if deleted:
            self._truth.delete(tweet)

    # -- edges --------------------------------------------------------------------------------------

    async def change(self, step: Change, operation: Operation) -> None:
        found = self._edge_of(step)
        if found is None:
            return
        edge, path = found
        certain = self._is_certain()
        expected = self._expected_of_change(edge, step.on)
        method = "POST" if step.on else "DELETE"
        answer = await self._history.request(operation, method, path, user=edge.a, via=step.via)
        if certain and self._is_certain() and operation.struck is None:
            assert answer.status in expected, f"{step} {answer}, not {expected}"
            if answer.status == 200:
                self._truth.set(edge, on=step.on)
        else:
            await self._adopt(edge, step, path)
        if answer.status == 200:
            self._history.happened[step.kind if step.on else f"un{step.kind}"] += 1

    async def _adopt(self, edge: Edge, step: Change, path: str) -> None:
        """Nobody knows what became of it: the store does."""
        await self._history.finish_writes()
        if edge.kind == "like":
            liked = await self._stores.engagements.has_liked(UserId(edge.a), TweetId(edge.b))
            self._truth.adopt(edge, on=liked)
        elif edge.kind == "mute":
            hidden = await self._stores.graph.hidden(UserId(edge.a))
            self._truth.adopt(edge, on=edge.b in hidden.muted.tolist())
        elif edge.kind == "block":
            await self._adopt_block(edge, step, path)
            await self._adopt_follows(edge.a, edge.b)
        else:
            await self._adopt_follows(edge.a, edge.b)

    async def _adopt_follows(self, a: int, b: int) -> None:
        for follower, followee in ((a, b), (b, a)):
            followees = (await self._stores.graph.followees(UserId(follower))).ids.tolist()
            self._truth.adopt(Edge("follow", follower, followee), on=followee in followees)

    async def _adopt_block(self, edge: Edge, step: Change, path: str) -> None:
        await self._history.release()
        if not self._truth.is_on("block", edge.b, edge.a):
            blocked = await self._stores.graph.is_blocked(UserId(edge.a), UserId(edge.b))
            self._truth.adopt(edge, on=blocked)
            return
        # The store tells no difference between the two sides of a block: it is asked for once more.
        again = Operation()
        answer = await self._history.request(again, "POST" if step.on else "DELETE", path, user=edge.a)
        assert answer.status == 200, answer
        self._truth.set(edge, on=step.on)

    async def follow_crowd(self, step: FollowCrowd) -> None:
        history, follower = self._history, self._person(step.a)
        if not history.cast.crowd:
            history.cast.crowd = await self._prologue.appear(CROWD)
            await asyncio.gather(*(self._prologue.tell(author) for author in history.cast.crowd))
        for followee in history.cast.crowd:
            edge = Edge("follow", follower, followee)
            operation = Operation()
            answer = await history.request(operation, "POST", f"/v1/users/{followee}/follow", user=follower)
            assert answer.status == 200, answer
            self._truth.set(edge, on=True)
        history.happened["17 follows in a row"] += 1

    # -- what must be answered ------------------------------------------------------------------------

    def _expected_of_new(self, told: Told) -> set[int]:
        target = told.reply_to or told.retweet_of
        if target is None:
            return {201}
        return self._refusals(told.author, target) or {201}

    def _expected_of_change(self, edge: Edge, on: bool) -> set[int]:
        if edge.kind == "follow" and on and self._truth.is_blocked(edge.a, edge.b):
            return {403}
        if edge.kind == "like" and (refusals := self._refusals(edge.a, edge.b)):
            # To take a like back is nobody else's business.
            return refusals if on else refusals | {200}
        return {200}

    def _refusals(self, user: int, tweet: int) -> set[int]:
        told = self._truth.tweets[tweet]
        gone = {410} if told.deleted else set()
        return gone | ({404} if self._truth.is_blocked(user, told.author) else set())

    def _standing_retweet(self, told: Told) -> int | None:
        return next((one for one in self._truth.tweets if self._is_standing(one, told)), None)

    def _is_standing(self, tweet: int, told: Told) -> bool:
        other = self._truth.tweets.get(tweet)
        return (
            other is not None
            and told.retweet_of is not None
            and not other.deleted
            and (other.author, other.retweet_of) == (told.author, told.retweet_of)
        )

    def _is_certain(self) -> bool:
        return not self._history.is_held

    # -- who and what ---------------------------------------------------------------------------------

    def _person(self, number: int) -> int:
        people = self._history.cast.people
        return people[number % len(people)]

    def _original(self, number: int) -> int | None:
        """A retweet stands for its original: there is nothing in it to reply to."""
        tweets = sorted(self._truth.tweets, reverse=True)
        return self._truth.tweets[tweets[number % len(tweets)]].root if tweets else None

    def _edge_of(self, step: Change) -> tuple[Edge, str] | None:
        a = self._person(step.a)
        if step.kind == "like":
            tweet = self._original(step.b)
            return None if tweet is None else (Edge("like", a, tweet), f"/v1/tweets/{tweet}/like")
        others = [person for person in self._history.cast.people if person != a]
        b = others[step.b % len(others)]
        return Edge(step.kind, a, b), f"/v1/users/{b}/{step.kind}"
