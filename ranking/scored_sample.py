"""Which requests are recorded with all that was scored for them."""

from __future__ import annotations

import hashlib
import uuid

from ranking.side_effects import ScoredRecords

_UNITS = 2**64


class ScoredSample:
    """A share of the requests, by their ids alone: whoever knows an id knows whether it is in the sample."""

    def __init__(self, records: ScoredRecords, share: float) -> None:
        """`share` from 0 to 1."""
        self.records = records
        self._below = round(share * _UNITS)

    def takes(self, request_id: uuid.UUID) -> bool:
        # Hashed, because the bits of an id are its time and whatever its maker drew.
        digest = hashlib.blake2b(request_id.bytes, digest_size=8, person=b"scored").digest()
        return int.from_bytes(digest, "big") < self._below
