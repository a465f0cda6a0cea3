"""What one viewer gets of many tweets, as one command.

Redis finds a list, and moves what stands at its head, once a command and not once an id. A worker that
is behind has five hundred events at once, and most viewers then get several of their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stores.ports import Ids
from stores.redis_commands import packed_word
from stores.redis_spread import with_words

_WORTH = 0.9
"""Commands an id; where so many are left, packing each anew costs more than it saves."""


class Share(NamedTuple):
    """A tweet for some viewers, int64 [n], and the beginning of each one's command."""

    viewers: Ids
    prefixes: Sequence[bytes]
    tweet: int


class Bundles(NamedTuple):
    """One command a viewer: `viewers` are distinct, int64 [n], `counts` the ids that each gets, int64 [n]."""

    viewers: Ids
    counts: Ids
    commands: list[bytes]


def bundled(shares: Sequence[Share]) -> Bundles | None:
    """Each viewer's ids in the order of the shares; None where few viewers have several."""
    if len(shares) < 2:
        return None
    everyone = np.concatenate([one.viewers for one in shares])
    order = np.argsort(everyone, kind="stable")
    ranked = everyone[order]
    begins = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: len(ranked)])
    if len(begins) >= _WORTH * len(everyone):
        return None
    ends = np.append(begins[1:], len(ranked))
    share = np.repeat(np.arange(len(shares)), [len(one.viewers) for one in shares])[order]
    words = np.array([packed_word(one.tweet) for one in shares], object)[share].tolist()
    prefixes = np.concatenate([np.array(one.prefixes, object) for one in shares])[order[begins]]
    commands = [
        with_words(prefix, words[begin:end])
        for prefix, begin, end in zip(prefixes.tolist(), begins.tolist(), ends.tolist(), strict=True)
    ]
    return Bundles(ranked[begins], ends - begins, commands)
