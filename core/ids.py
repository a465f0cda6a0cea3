"""Snowflake ids: 41 bits of milliseconds, 5 of datacenter, 5 of machine, 12 of sequence.

The layout and the epoch are Twitter's (2010), so imported ids keep their time.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from typing import NewType

from core.clock import Clock
from core.errors import InvalidId, LeaseLost

UserId = NewType("UserId", int)
TweetId = NewType("TweetId", int)

EPOCH_MS = 1_288_834_974_657
MAX_ID = 2**63 - 1
MAX_TIME_MS = EPOCH_MS + (1 << 41) - 1
# The importer mints ids of past moments; no live process may ever hold its number.
IMPORTER_DATACENTER = 31
IMPORTER_MACHINE = 31

_DECIMAL = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
ID_UNITS_A_MS = 1 << 22
"""By how much ids of one machine and sequence differ from one millisecond to the next."""
_SEQUENCE_BITS = 12
_SEQUENCES = 1 << _SEQUENCE_BITS


def parse_id(text: str, *, field: str) -> int:
    """Reads an id as it stands in JSON or a path; raises InvalidId naming `field`."""
    if _DECIMAL.fullmatch(text) is None or (value := int(text)) > MAX_ID:
        raise InvalidId(
            f"{field} must be a decimal string of 1 to 19 digits, at most 2^63 - 1, without leading zeros",
            field=field,
            limit=str(MAX_ID),
        )
    return value


def compose_id(at_ms: int, datacenter: int, machine: int, sequence: int) -> int:
    """The id of a moment; raises ValueError where a part does not fit its bits."""
    if not EPOCH_MS <= at_ms <= MAX_TIME_MS:
        raise ValueError(f"{at_ms} ms is outside what a Snowflake can hold")
    if not (0 <= datacenter < 32 and 0 <= machine < 32 and 0 <= sequence < _SEQUENCES):
        raise ValueError(f"datacenter {datacenter}, machine {machine} or sequence {sequence} is out of range")
    return (at_ms - EPOCH_MS) << 22 | datacenter << 17 | machine << 12 | sequence


def id_time_ms(snowflake: int) -> int:
    """The moment an id was minted, in milliseconds since the Unix epoch."""
    return (snowflake >> 22) + EPOCH_MS


class SnowflakeGenerator:
    """Mints ids that rise strictly, whatever the wall clock does.

    A clock that steps back, or more than 4,096 ids in a millisecond, makes the generator run
    ahead of the clock instead of repeating itself. `held_until_s` is the monotonic moment up to
    which the machine number is surely ours; after it minting raises LeaseLost. Every id is of a
    later millisecond than `after_ms`, the last one that the number's former holder minted in.
    """

    def __init__(
        self,
        datacenter: int,
        machine: int,
        clock: Clock,
        held_until_s: Callable[[], float],
        after_ms: int = 0,
    ) -> None:
        compose_id(EPOCH_MS, datacenter, machine, 0)
        self._node = datacenter << 17 | machine << 12
        self._clock = clock
        self._held_until_s = held_until_s
        self._last_ms = max(after_ms, EPOCH_MS)
        # As if that millisecond were used up: its ids may be the former holder's.
        self._sequence = _SEQUENCES - 1
        self._lock = threading.Lock()

    @property
    def last_ms(self) -> int:
        """The latest millisecond that an id was minted in; the next holder starts after it."""
        return self._last_ms

    def mint(self) -> int:
        with self._lock:
            # The time is taken before the lease is checked: a process that is stopped in between must
            # not mint an id of the next holder's time.
            now_ms = self._clock.now_ms()
            if self._clock.monotonic_s() >= self._held_until_s():
                raise LeaseLost(
                    "the lease on this process's machine number has run out; ids cannot be minted"
                )
            if now_ms > self._last_ms:
                self._last_ms, self._sequence = now_ms, 0
            elif self._sequence + 1 < _SEQUENCES:
                self._sequence += 1
            else:
                self._last_ms, self._sequence = self._last_ms + 1, 0
            return (self._last_ms - EPOCH_MS) << 22 | self._node | self._sequence


def uuid7(at_ms: int, random_bits: int) -> uuid.UUID:
    """A UUIDv7 (RFC 9562) of a moment and 74 random bits."""
    rand_a = random_bits >> 62 & 0xFFF
    rand_b = random_bits & (1 << 62) - 1
    return uuid.UUID(int=at_ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def uuid7_time_ms(value: uuid.UUID) -> int:
    """The moment in a UUIDv7, in milliseconds since the Unix epoch."""
    return value.int >> 80
