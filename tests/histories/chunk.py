"""`python -m tests.histories.chunk COUNT SEED`: tells these; the last line is their tally as JSON."""

from __future__ import annotations

import sys

import msgspec

from tests.histories.strategies import scripts
from tests.histories.telling import teller


def main(count: int, seed: int) -> None:
    with teller() as one:
        tally = one.tell_many(scripts(), count, seed)
    sys.stdout.write(msgspec.json.encode(tally).decode() + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
