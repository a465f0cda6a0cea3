"""The gate between training and serving: the graph must say what the boosters say, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from features.schema import FEATURES
from ranking.admission import MAX_DIFF
from ranking.bundle import Parity
from ranking.model import open_session
from training.booster import raw_scores
from training.calibrate import sigmoid
from training.export import INPUT, OUTPUT, float32_not_above, thresholds
from training.head import LearnedHead

MIN_ROWS = 1_000
# A float32 sum over hundreds of trees is good to about 1e-6, and a probability to that part of
# itself: what the boosters hold closer together than this part of it has no order to lose.
ORDER_RESOLUTION = 4e-6
_REQUEST_ROWS = 50
_BATCHES = (1, 2, 7, 50, 200, 500, 2_000)
_BATCHED_ROWS = 2_000
_NAMED_ROWS = 5
_NO_COLUMN = -1


class GraphRunner:
    """A graph of `training.export` on one thread, as serving runs it."""

    def __init__(self, graph: bytes) -> None:
        self._session = open_session(graph)

    def score(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities: float32 [n, n_heads] from float32 [n, n_features]."""
        (output,) = self._session.run([OUTPUT], {INPUT: inputs})
        return np.asarray(output, np.float32)


class Trial(NamedTuple):
    """`rows` float32 [n, n_features]; `columns` int64 [n] is the input each row is about, -1 for none."""

    rows: NDArray[np.float32]
    columns: NDArray[np.int64]


def check_parity(
    heads: Sequence[LearnedHead], graph: bytes, sample: NDArray[np.float32], *, seed: int
) -> Parity:
    """Compares on `trial_rows`; the heads' trees are those before their thresholds were snapped.

    Raises ConfigurationError, naming the rows that differ, where a probability differs by more than
    MAX_DIFF, where the order within a request changes, or where a row's bits depend on its batch.
    """
    trial = trial_rows(heads, sample, seed=seed)
    runner = GraphRunner(graph)
    wanted, got = expected(heads, trial.rows), runner.score(trial.rows)
    differences = np.abs(wanted - got.astype(np.float64))
    # A NaN is the largest difference there is.
    differences[~np.isfinite(differences)] = np.inf
    order_changes = sum(_order_changes(wanted[:, i], got[:, i]) for i in range(len(heads)))
    batch_invariant = _is_batch_invariant(runner, trial.rows, got, seed=seed)
    parity = Parity(len(trial.rows), float(differences.max()), order_changes, batch_invariant)
    if parity.max_diff > MAX_DIFF or order_changes or not batch_invariant:
        named = "; ".join(_named(heads, trial, wanted, got, at) for at in _worst(differences))
        raise ConfigurationError(
            f"the exported graph is not the boosters: over {parity.rows} rows they differ by up to "
            f"{parity.max_diff:.2g} (at most {MAX_DIFF:g}), {order_changes} pairs change their order, and a "
            f"row's bits {'do not depend' if batch_invariant else 'depend'} on its batch. {named}. The model "
            "was not written. Install the locked versions with `make setup` and train again."
        )
    return parity


def expected(heads: Sequence[LearnedHead], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the graph has to say: LightGBM's raw scores and numpy's sigmoid, float64 [n, n_heads]."""
    columns = []
    for head in heads:
        raw = np.zeros(len(rows)) if head.constant else raw_scores(head.booster(), rows)
        columns.append(sigmoid(head.calibration.a * raw + head.calibration.b))
    return np.stack(columns, axis=1)


def trial_rows(heads: Sequence[LearnedHead], sample: NDArray[np.float32], *, seed: int) -> Trial:
    """At least MIN_ROWS rows, shuffled: real ones, and the ones that go wrong.

    Each threshold of each head's trees stands in a real row, exactly and one float32 above and below;
    each feature is missing once; so are all; all are 0, and infinite.
    """
    random = np.random.default_rng(seed)
    n_features = sample.shape[1]
    real = sample[random.integers(0, len(sample), MIN_ROWS)]
    found = sorted({one for head in heads if not head.constant for one in thresholds(head.booster())})
    on_threshold = np.repeat(np.array([feature for feature, _ in found], np.int64), 3)
    exact = float32_not_above(np.array([value for _, value in found], np.float64))
    limit = np.float32(np.inf)
    # Next to the largest float32, where LightGBM splits off the missing ones at 1e300, is infinity.
    with np.errstate(over="ignore"):
        around = np.stack([exact, np.nextafter(exact, limit), np.nextafter(exact, -limit)], axis=1)
    around = around.reshape(-1)
    on_thresholds = real[random.integers(0, len(real), len(around))]
    on_thresholds[np.arange(len(around)), on_threshold] = around
    missing = real[random.integers(0, len(real), n_features)]
    np.fill_diagonal(missing, np.nan)
    constant = np.full((5, n_features), 0.0, np.float32)
    constant[1:] = np.array([[-0.0], [np.nan], [np.inf], [-np.inf]], np.float32)
    rows = np.concatenate([real, on_thresholds, missing, constant])
    columns = np.full(len(rows), _NO_COLUMN, np.int64)
    columns[len(real) : -len(constant)] = np.r_[on_threshold, np.arange(n_features)]
    order = random.permutation(len(rows))
    return Trial(rows[order], columns[order])


def _order_changes(wanted: NDArray[np.float64], got: NDArray[np.float32]) -> int:
    """Neighbours, in the booster's order within a request, that the graph puts the other way round."""
    changes = 0
    for first in range(0, len(wanted), _REQUEST_ROWS):
        reference, graph = wanted[first : first + _REQUEST_ROWS], got[first : first + _REQUEST_ROWS]
        order = np.argsort(-reference, kind="stable")
        apart = -np.diff(reference[order]) > ORDER_RESOLUTION * reference[order][:-1]
        changes += int((apart & (np.diff(graph[order]) >= 0)).sum())
    return changes


def _is_batch_invariant(
    runner: GraphRunner, rows: NDArray[np.float32], got: NDArray[np.float32], *, seed: int
) -> bool:
    some = np.random.default_rng(seed).permutation(len(rows))[:_BATCHED_ROWS]
    for size in _BATCHES:
        parts = [runner.score(rows[some[i : i + size]]) for i in range(0, len(some), size)]
        if np.concatenate(parts).tobytes() != got[some].tobytes():
            return False
    return True


def _worst(differences: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(row, head) of the largest differences."""
    order = np.argsort(-differences, axis=None, kind="stable")[:_NAMED_ROWS]
    rows, heads = np.unravel_index(order, differences.shape)
    return list(zip(rows.tolist(), heads.tolist(), strict=True))


def _named(
    heads: Sequence[LearnedHead],
    trial: Trial,
    wanted: NDArray[np.float64],
    got: NDArray[np.float32],
    at: tuple[int, int],
) -> str:
    row, head = at
    values, column = trial.rows[row], int(trial.columns[row])
    if column == _NO_COLUMN:
        decides = f"inputs [{', '.join(f'{value:.9g}' for value in values[:8].tolist())}, …]"
    else:
        name = FEATURES[column] if len(values) == len(FEATURES) else f"input {column}"
        decides = f"{name} = {values[column]:.9g}"
    return f"{heads[head].name}, row {row} ({decides}): LightGBM {wanted[at]:.7f}, ONNX {got[at]:.7f}"
