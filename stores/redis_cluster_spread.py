"""Spreads over the shards of a Cluster: what goes to each, and where its answers belong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import Unavailable
from stores.ports import Ids
from stores.redis_commands import Command
from stores.redis_errors import ResponseError, translated
from stores.redis_options import Address
from stores.redis_slots import SlotMap, redirect_of
from stores.redis_spread import Part, Spread, packed_spread, read_lines


class ClusterSpread:
    """`numbers` are the answers, one array a spread; `errors` what is wrong with single commands.

    `elsewhere` are those whose slot is on the move, and the place in `numbers` of each.
    """

    def __init__(self, spreads: Sequence[Spread], slot_map: SlotMap) -> None:
        self._spreads = spreads
        self.numbers: list[Ids] = [np.zeros(len(one.template), np.int64) for one in spreads]
        self.errors: list[ResponseError] = []
        self.elsewhere: list[tuple[Command, int, int]] = []
        self._errands: dict[int, list[tuple[int, Part]]] = {}
        for of, one in enumerate(spreads):
            for part in one.template.parts(slot_map):
                self._errands.setdefault(part.owner, []).append((of, part))

    @property
    def owners(self) -> list[int]:
        return list(self._errands)

    def packed(self, owner: int) -> list[bytes]:
        """What goes to a shard."""
        return [packed_spread(part.prefixes, self._spreads[of].last) for of, part in self._errands[owner]]

    def count(self, owner: int) -> int:
        """So many commands those are."""
        return sum(len(part.prefixes) for _, part in self._errands[owner])

    def note(self, owner: int, address: Address, raw: bytes) -> None:
        """The answers of a shard's node. Raises Unavailable where one speaks of the node."""
        numbers, errors = read_lines(raw, self.count(owner))
        begin = 0
        for of, part in self._errands[owner]:
            self.numbers[of][part.positions] = numbers[begin : begin + len(part.positions)]
            for i in [i for i in errors if begin <= i < begin + len(part.positions)]:
                self._note_error(errors[i], address, of, int(part.positions[i - begin]))
            begin += len(part.positions)

    def _note_error(self, error: ResponseError, address: Address, of: int, position: int) -> None:
        if redirect_of(error, address) is not None:
            spread = self._spreads[of]
            self.elsewhere.append((spread.template.command(position, spread.last), of, position))
            return
        known = translated(error, str(address))
        if isinstance(known, Unavailable):
            raise known from error
        self.errors.append(error)
