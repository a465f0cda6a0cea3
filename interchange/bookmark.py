"""How far an import has come: a control document, so that no batch of telemetry goes in twice."""

from __future__ import annotations

import msgspec

from core.errors import ConfigurationError, Corrupt
from interchange.report import ImportReport
from stores.ports import ControlStore


class Progress(msgspec.Struct, frozen=True):
    """The document. `activity` counts the rows of the merged activity that are in the log.

    `as_of_ms` is when the first run began (UTC). `report` is that of the run that finished; until
    then there is none, and afterwards `activity` no longer counts.
    """

    source: str
    as_of_ms: int
    activity: int = 0
    report: ImportReport | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Progress)


class ImportBookmark:
    """The progress of one dataset's import, under `import/<digest>`.

    Two imports of the same data at a time are told apart by the document's version: the slower one
    is refused with ConfigurationError.
    """

    def __init__(self, control: ControlStore, digest: str) -> None:
        self._control = control
        self._key = f"import/{digest}"
        self._version = 0

    async def load(self) -> Progress | None:
        """What an earlier run left; None where there was none. Raises Corrupt where it does not decode."""
        document = await self._control.get(self._key)
        if document is None:
            self._version = 0
            return None
        self._version = document.version
        try:
            return _decoder.decode(document.value)
        except msgspec.MsgspecError as exc:
            raise Corrupt(f"the control document {self._key} is damaged: {exc}") from exc

    async def store(self, progress: Progress) -> None:
        """Durable on return; `load` comes first."""
        stored = await self._control.compare_and_set(
            self._key, _encoder.encode(progress), expected=self._version
        )
        if not stored:
            raise ConfigurationError(
                "another import of the same data is running, and got ahead of this one. Wait for it to end; "
                "if it was killed, run the import again."
            )
        self._version += 1
