"""A simulated past that was imported: who is who, what is what, and what has been acknowledged."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from interchange.dataset import open_dataset
from simulation.crowd import Settled
from simulation.history import PEOPLE, TWEETS, tweet_name
from simulation.known_tweets import KnownTweets
from simulation.ledger import Ledger
from simulation.past import Past
from simulation.world import author_name, viewer_name
from stores.ports import ControlStore
from wiring.simulated import imported_ids


async def settle(control: ControlStore, past: Past, directory: Path) -> Settled:
    """Reads the mapping of `directory`. Raises ConfigurationError where it was not imported whole."""
    world = past.world
    viewer_names = [viewer_name(one) for one in range(len(world.viewers))]
    viewers = await imported_ids(control, PEOPLE, viewer_names)
    authors = await imported_ids(control, PEOPLE, [author_name(one) for one in range(len(world.authors))])
    ids = await imported_ids(control, TWEETS, [tweet_name(one) for one in past.tweets.keys.tolist()])
    tables = open_dataset(directory).tables
    said = tables["tweets"].filter(
        tables["tweets"]["reply_to"].is_not_null() | tables["tweets"]["retweet_of"].is_not_null()
    )
    said_ids = await imported_ids(control, TWEETS, said["tweet"].to_list())

    number = {name: row for row, name in enumerate(viewer_names)}
    by_name = dict(zip(map(tweet_name, past.tweets.keys.tolist()), ids.tolist(), strict=True))
    ledger = Ledger()
    for viewer, author in zip(world.follows.followers.tolist(), world.follows.authors.tolist(), strict=True):
        ledger.followed(viewer, author)
    for tweet_id, author in zip(ids.tolist(), past.tweets.authors.tolist(), strict=True):
        ledger.posted(author, tweet_id)
    rows = said.select("author", "reply_to", "retweet_of").iter_rows()
    for (name, reply_to, retweet_of), own in zip(rows, said_ids.tolist(), strict=True):
        if retweet_of is None:
            ledger.replied(number[name], by_name[reply_to], own)
        else:
            ledger.retweeted(number[name], by_name[retweet_of], own)
    likes = tables["engagements"].filter(tables["engagements"]["type"] == "like")
    for name, tweet in likes.select("viewer", "tweet").iter_rows():
        ledger.liked(number[name], by_name[tweet])
    ledger.begin_counting()
    looked: defaultdict[int, set[int]] = defaultdict(set)
    for name, tweet in tables["impressions"].select("viewer", "tweet").iter_rows():
        looked[number[name]].add(by_name[tweet])
    return Settled(viewers, authors, KnownTweets(world, ids, past.tweets), ledger, looked)
