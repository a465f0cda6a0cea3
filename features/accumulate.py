"""From observations to rows: the one way in which a row changes, in the stream and in a replay.

Every value is rounded to float32 at every update (rows are array('f')), so a process that goes on
from packed rows ends with the same bits as one that never stopped.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import NamedTuple

from features.packed_row import MAX_SEQ, Row, decode_row, encode_row
from features.schema import (
    DWELL_CAP_MS,
    HALF_LIVES_S,
    LONG_DWELL_MS,
    MEDIA_KINDS,
    OTHER_MEDIA,
    VIEWS,
    EventKind,
    View,
    ViewName,
)

Entity = int | tuple[int, int]
"""A viewer, an author, a tweet, or 0 for everything; (viewer, author) for a pair."""


class Observation(NamedTuple):
    """One thing that a viewer did, or had shown; a follow; or a tweet that was written.

    `author` 0 is unknown: the author's and the pair's rows then stay as they are. `value_ms` is a
    dwell's length. `weight` is -1 for what takes an earlier observation back, such as an unlike.
    A follow has no tweet. A new tweet has no viewer, and `attributes` in the order of TWEET_ATTRIBUTES.
    """

    ts_ms: int
    kind: EventKind
    viewer: int
    author: int
    tweet: int
    value_ms: int = 0
    weight: int = 1
    attributes: tuple[float, ...] = ()


def tweet_attributes(text_len: int, media_kind: str, is_reply: bool, is_retweet: bool) -> tuple[float, ...]:
    """What the observation of a new tweet says; `text_len` in code points, `media_kind` "" without any."""
    media = MEDIA_KINDS.get(media_kind, OTHER_MEDIA)
    return (float(text_len), float(media), float(is_reply), float(is_retweet))


class PackedRow(NamedTuple):
    """A row and whose it is."""

    view: ViewName
    entity: Entity
    packed: bytes


class _Row:
    __slots__ = ("event_ts_s", "seq", "values")

    def __init__(self, event_ts_s: int, seq: int, values: array[float]) -> None:
        self.event_ts_s = event_ts_s
        self.seq = seq
        self.values = values


class _Rows:
    """The rows of one view, and where an event of each kind goes in them."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.rows: dict[Entity, _Row] = {}
        self.changed: dict[Entity, _Row] = {}
        self._defaults = [field.default for field in view.fields]
        positions = {
            half_life_s: [i for i, field in enumerate(view.fields) if field.half_life_s == half_life_s]
            for half_life_s in HALF_LIVES_S.values()
        }
        # (half-life, positions) of the sums that decay together.
        self._decaying = [(float(half_life_s), tuple(at)) for half_life_s, at in positions.items() if at]
        self._sums: dict[str, list[tuple[int, float]]] = {}
        self._sinces: dict[str, list[int]] = {}
        self._counts: dict[str, list[int]] = {}
        self._attributes: dict[str, list[int]] = {}
        for i, field in enumerate(view.fields):
            if field.kind == "sum":
                self._sums.setdefault(field.event, []).append((i, float(field.half_life_s)))
            else:
                by_event = {"since": self._sinces, "count": self._counts, "attribute": self._attributes}
                by_event[field.kind].setdefault(field.event, []).append(i)
        self._since_positions = [i for i, field in enumerate(view.fields) if field.kind == "since"]
        self._ageless = [i for i, field in enumerate(view.fields) if field.kind in ("count", "attribute")]

    def apply(self, entity: Entity, ts_s: int, kind: EventKind, amount: float, long: float = 0.0) -> None:
        """An engagement: `amount` of its kind, and `long` of long dwells."""
        at = self._row_at(entity, ts_s)
        if at is None:
            return
        row, age_s = at
        values = row.values
        for i, half_life_s in self._sums[kind]:
            values[i] += amount * 2.0 ** (-age_s / half_life_s) if age_s else amount
        if long:
            for i, half_life_s in self._sums["long_dwell"]:
                values[i] += long * 2.0 ** (-age_s / half_life_s) if age_s else long
        for i in self._sinces.get(kind, ()):
            # NaN compares false: the first event of its kind always counts.
            if not values[i] <= age_s:
                values[i] = age_s

    def note(
        self, entity: Entity, ts_s: int, kind: EventKind, weight: float, attributes: tuple[float, ...]
    ) -> None:
        """What is no engagement: counted, and its attributes kept unless a newer one said them."""
        at = self._row_at(entity, ts_s)
        if at is None:
            return
        row, age_s = at
        values = row.values
        for i in self._counts.get(kind, ()):
            values[i] += weight
        newest = True
        for i in self._sinces.get(kind, ()):
            if values[i] < age_s:
                newest = False
            else:
                values[i] = age_s
        if newest:
            for i, said in zip(self._attributes.get(kind, ()), attributes, strict=False):
                values[i] = said

    def _row_at(self, entity: Entity, ts_s: int) -> tuple[_Row, float] | None:
        """The row, decayed to this moment and marked as changed, and how much older the moment is.

        None where the moment is older than the row by more than it keeps.
        """
        row = self.rows.get(entity)
        if row is None:
            row = self.rows[entity] = _Row(ts_s, 0, array("f", self._defaults))
        elif ts_s - row.event_ts_s > self.view.ttl_s:
            fresh = array("f", self._defaults)
            for i in self._ageless:
                fresh[i] = row.values[i]
            row = self.rows[entity] = _Row(ts_s, 0, fresh)
        age_s = row.event_ts_s - ts_s
        if age_s > self.view.ttl_s:
            return None
        if age_s < 0:
            self._advance(row, -age_s)
            row.event_ts_s = ts_s
            age_s = 0
        if row.seq < MAX_SEQ:
            row.seq += 1
        self.changed[entity] = row
        return row, age_s

    def _advance(self, row: _Row, by_s: int) -> None:
        values = row.values
        for half_life_s, positions in self._decaying:
            factor = 2.0 ** (-by_s / half_life_s)
            for i in positions:
                if values[i]:
                    values[i] *= factor
        for i in self._since_positions:
            values[i] += by_s


class FeatureState:
    """The rows of all views in memory, `apply` folding one observation into each that it concerns.

    A sum decays on whole seconds, S = S * 2^(-dt/half-life) + x. An observation that is older than
    its row adds x decayed by its age and leaves the row's time: the order of arrival does not
    matter, up to rounding. One that is older than the row by more than the view's ttl is dropped;
    one that is newer by more than that starts the row anew, but for counts and attributes, which do
    not age. `seq` counts a row's updates.

    Sums of ones stay exact to about 2^24; a single row that takes more events than that within its
    half-life needs a wider type.
    """

    def __init__(self) -> None:
        self._views: dict[ViewName, _Rows] = {name: _Rows(view) for name, view in VIEWS.items()}

    def apply(self, observation: Observation) -> None:
        ts_ms, kind, viewer, author, tweet, value_ms, weight, attributes = observation
        ts_s = ts_ms // 1000
        amount, long = float(weight), 0.0
        views = self._views
        if kind == "dwell":
            long = amount if value_ms >= LONG_DWELL_MS else 0.0
            amount *= min(max(value_ms, 0), DWELL_CAP_MS) / 1000.0
        elif kind == "tweet":
            views["t"].note(tweet, ts_s, kind, amount, attributes)
            return
        elif kind == "follow":
            views["u"].note(viewer, ts_s, kind, amount, ())
            views["a"].note(author, ts_s, kind, amount, ())
            views["va"].note((viewer, author), ts_s, kind, amount, (1.0 if weight > 0 else 0.0,))
            return
        views["g"].apply(0, ts_s, kind, amount, long)
        views["u"].apply(viewer, ts_s, kind, amount, long)
        views["t"].apply(tweet, ts_s, kind, amount, long)
        if author:
            views["a"].apply(author, ts_s, kind, amount, long)
            views["va"].apply((viewer, author), ts_s, kind, amount, long)

    def row(self, view: ViewName, entity: Entity) -> Row | None:
        """The row as it stands; its `values` are the live ones: copy what must not change."""
        row = self._views[view].rows.get(entity)
        return None if row is None else Row(VIEWS[view].schema_id, row.event_ts_s, row.seq, row.values)

    def load(self, view: ViewName, entity: Entity, packed: bytes) -> None:
        """Goes on from a packed row; raises what `decode_row` raises."""
        _, event_ts_s, seq, values = decode_row(packed, VIEWS[view])
        self._views[view].rows[entity] = _Row(event_ts_s, seq, values)

    def unknown(self, observations: Iterable[Observation]) -> list[tuple[ViewName, Entity]]:
        """The rows that these observations concern and that are not in memory, each once."""
        concerned: dict[tuple[ViewName, Entity], None] = {}
        for one in observations:
            kind = one.kind
            if kind == "tweet":
                concerned["t", one.tweet] = None
                continue
            if kind != "follow":
                concerned["g", 0] = None
                concerned["t", one.tweet] = None
            concerned["u", one.viewer] = None
            if one.author:
                concerned["a", one.author] = None
                concerned["va", (one.viewer, one.author)] = None
        return [key for key in concerned if key[1] not in self._views[key[0]].rows]

    def drain(self) -> list[PackedRow]:
        """The rows that changed since the last drain, packed."""
        drained = []
        for name, view in self._views.items():
            schema_id = view.view.schema_id
            for entity, row in view.changed.items():
                packed = encode_row(schema_id, row.event_ts_s, row.seq, row.values)
                drained.append(PackedRow(name, entity, packed))
            view.changed.clear()
        return drained

    def clear(self) -> None:
        """Forgets every row, drained or not."""
        for view in self._views.values():
            view.rows.clear()
            view.changed.clear()

    def __len__(self) -> int:
        return sum(len(view.rows) for view in self._views.values())
