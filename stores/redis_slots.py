"""The slots of a Redis Cluster: where a key belongs, and which node has which."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from stores.redis_options import Address

SLOTS = 16_384
NOBODY = -1


def slots_of(keys: Iterable[bytes]) -> list[int]:
    """Each key's slot: CRC16 of its hash tag, what stands in the first {…} if that is not empty."""
    slots = []
    for key in keys:
        begin = key.find(b"{") + 1
        if begin:
            end = key.find(b"}", begin)
            if end > begin:
                key = key[begin:end]
        slots.append(crc_hqx(key, 0) % SLOTS)
    return slots


@cache
def tag_of(slot: int) -> bytes:
    """A hash tag whose keys are in that slot, the same in every process."""
    return next(tag for tag in map(b"%d".__mod__, count()) if crc_hqx(tag, 0) % SLOTS == slot)


class Shard(NamedTuple):
    """A primary, its replicas as far as they are well, and a tag whose keys are here.

    The tag is that of its lowest slot: it stays when a replica takes over, and changes, or comes
    to another node, when slots are moved.
    """

    primary: Address
    replicas: tuple[Address, ...]
    tag: bytes


@dataclass(frozen=True, slots=True, eq=False)
class SlotMap:
    """`owners[slot]` is the position of its shard in `shards`, or NOBODY."""

    shards: tuple[Shard, ...]
    owners: tuple[int, ...]

    @classmethod
    def parse(cls, answer: Sequence[Any], asked: Address) -> SlotMap | None:
        """From the answer to CLUSTER SLOTS; None where the one who was asked knows no slots."""
        ranges: dict[Address, list[tuple[int, int]]] = {}
        replicas: dict[Address, tuple[Address, ...]] = {}
        for first, last, primary, *others in answer:
            address = _address(primary, asked)
            ranges.setdefault(address, []).append((first, last))
            replicas[address] = tuple(sorted(_address(other, asked) for other in others))
        owners = [NOBODY] * SLOTS
        shards = []
        for position, (address, held) in enumerate(sorted(ranges.items(), key=lambda one: min(one[1]))):
            for first, last in held:
                owners[first : last + 1] = [position] * (last + 1 - first)
            shards.append(Shard(address, replicas[address], tag_of(min(held)[0])))
        return cls(tuple(shards), tuple(owners)) if shards else None

    @property
    def whole(self) -> bool:
        return NOBODY not in self.owners

    def group(self, keys: Sequence[bytes]) -> dict[int, list[int]]:
        """The keys' positions by shard, in their order; NOBODY's are among them."""
        groups: dict[int, list[int]] = {}
        owners = self.owners
        for position, slot in enumerate(slots_of(keys)):
            owner = owners[slot]
            if owner in groups:
                groups[owner].append(position)
            else:
                groups[owner] = [position]
        return groups


class Redirect(NamedTuple):
    """Where a node says that a key is: from now on (MOVED), or for this once (ASK)."""

    lasting: bool
    to: Address


def redirect_of(answer: object, asked: Address) -> Redirect | None:
    """None where an answer is no redirection."""
    words = str(answer).split()
    if len(words) != 3 or words[0] not in ("MOVED", "ASK"):
        return None
    host, _, port = words[2].rpartition(":")
    # Without a host it is the same machine; "?" is a node that does not know its own name.
    return Redirect(words[0] == "MOVED", Address(asked.host if host in ("", "?") else host, int(port)))


def _address(node: Sequence[Any], asked: Address) -> Address:
    host = (node[0] or b"").decode()
    return Address(asked.host if host in ("", "?") else host, int(node[1]))
