"""Which models a feed has: one document in the control store, changed as a whole.

The champion serves; up to three challengers are loaded beside it; the champions before it are kept in
order, so that a rollback knows where to go. Each change says who made it, when and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from core.errors import ConfigurationError, Corrupt, UnknownVersion

VERSION = 1
MODELS = "models/home"
"""The document's key in the control store."""
MAX_CHALLENGERS = 3
"""Each costs every serving process the memory of a model."""
FORMER_KEPT = 20
HISTORY_KEPT = 100

Kind = Literal["register", "promote", "rollback", "retire"]


class Entry(msgspec.Struct, frozen=True):
    """One bundle, and the SHA-256 of its graph and of its manifest: nothing else is it."""

    name: str
    version: str
    sha256: str
    manifest_sha256: str

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def mark(self) -> str:
        """What a process names it by in its report."""
        return f"{self.label} {self.sha256[:16]}{self.manifest_sha256[:16]}"


class Change(msgspec.Struct, frozen=True):
    """What was done with a model; `instead_of` is the label of the champion that it took the place of."""

    kind: Kind
    label: str
    at_ms: int
    by: str
    reason: str
    instead_of: str | None = None


class Registered(msgspec.Struct, frozen=True):
    """`former` are the champions before, the last one last; `history` is oldest first and bounded."""

    registered: int = VERSION
    champion: Entry | None = None
    former: list[Entry] = []
    challengers: list[Entry] = []
    history: list[Change] = []

    def wanted(self) -> list[Entry]:
        """What a serving process has loaded: what serves, what may be promoted, what may come back."""
        first = [] if self.champion is None else [self.champion]
        return list(dict.fromkeys([*first, *self.challengers, *self.former[-1:]]))

    def role(self, label: str) -> str:
        """What a bundle is here: champion, challenger, champion before, or nothing."""
        roles = [
            *([] if self.champion is None else [(self.champion, "champion")]),
            *((entry, "challenger") for entry in self.challengers),
            *((entry, "champion before") for entry in self.former[-1:]),
        ]
        return next((role for entry, role in roles if entry.label == label), "")

    def with_challenger(self, entry: Entry, change: Change, *, limit: int = MAX_CHALLENGERS) -> Registered:
        """Raises ConfigurationError where there are as many as may be."""
        others = [one for one in self.challengers if one.label != entry.label]
        if len(others) >= limit:
            raise ConfigurationError(
                f"{_labels(others)} are registered, and more than {limit} challengers would not fit into the "
                "processes' memory: end one with `rankfeed models retire`"
            )
        return replace(self, challengers=[*others, entry], history=self._told(change))

    def without_challenger(self, label: str, change: Change) -> Registered:
        """Raises ConfigurationError where it is none."""
        left = [one for one in self.challengers if one.label != label]
        if len(left) == len(self.challengers):
            known = _labels(self.challengers) or "there is none"
            raise ConfigurationError(f"{label} is no challenger: {known}")
        return replace(self, challengers=left, history=self._told(change))

    def promoted(self, entry: Entry, change: Change) -> Registered:
        """A champion that is promoted once more, its files mended, has not itself before it."""
        former = self.former
        if self.champion is not None and self.champion.label != entry.label:
            former = [*former, self.champion][-FORMER_KEPT:]
        return replace(
            self,
            champion=entry,
            former=former,
            challengers=[one for one in self.challengers if one.label != entry.label],
            history=self._told(change),
        )

    def rolled_back(self, change: Change) -> Registered:
        """To the champion before; raises ConfigurationError where there is none."""
        entry = self.before()
        return replace(self, champion=entry, former=self.former[:-1], history=self._told(change))

    def before(self) -> Entry:
        """The champion that a rollback goes to; raises ConfigurationError where there is none."""
        if self.champion is None:
            raise ConfigurationError(
                "no model was ever promoted, so there is nothing to roll back: `rankfeed models promote`"
            )
        if not self.former:
            raise ConfigurationError(
                f"{self.champion.label} is the first champion that is known: there is none before it to roll "
                "back to. Promote another one with `rankfeed models promote`."
            )
        return self.former[-1]

    def _told(self, change: Change) -> list[Change]:
        instead_of = None
        if change.kind in ("promote", "rollback") and self.champion is not None:
            instead_of = self.champion.label
        return [*self.history, replace(change, instead_of=instead_of)][-HISTORY_KEPT:]


class _Version(msgspec.Struct, frozen=True):
    registered: int


_version_decoder = msgspec.json.Decoder(_Version)
_decoder = msgspec.json.Decoder(Registered)


def decode_registered(raw: bytes) -> Registered:
    """Raises UnknownVersion for a document of newer code, Corrupt for what is none."""
    try:
        version = _version_decoder.decode(raw).registered
        if version > VERSION:
            raise UnknownVersion(f"models are registered in version {version}; this code knows {VERSION}")
        return _decoder.decode(raw)
    except msgspec.MsgspecError as exc:
        raise Corrupt(f"not a document of registered models: {exc}") from exc


def encode_registered(registered: Registered) -> bytes:
    return msgspec.json.encode(registered)


def _labels(entries: Sequence[Entry]) -> str:
    return ", ".join(one.label for one in entries)
