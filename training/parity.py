"""The gate between training and serving: the graph must say what the booster says, row by row."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from ranking.bundle import Parity
from ranking.model import open_session
from training.booster import predict
from training.export import INPUT, OUTPUT, float32_not_above, thresholds

MAX_DIFF = 1e-5
MIN_ROWS = 1_000
# A float32 sum over hundreds of trees is good to about 1e-6: what the booster itself holds closer
# together than that has no order to lose.
ORDER_RESOLUTION = 2e-6
_REQUEST_ROWS = 50
_BATCHES = (1, 7, 50, 200)
_BATCHED_ROWS = 1_000
_MAX_THRESHOLDS = 5_000
_NAMED_ROWS = 5


class GraphRunner:
    """A graph of `training.export` on one thread, as serving runs it."""

    def __init__(self, graph: bytes, output: str = OUTPUT) -> None:
        self._session = open_session(graph)
        self._output = output

    def score(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities: float32 [n] from float32 [n, n_features]."""
        (output,) = self._session.run([self._output], {INPUT: inputs})
        return np.asarray(output, np.float32)[:, 0]


def check_parity(booster: lgb.Booster, graph: bytes, sample: NDArray[np.float32], *, seed: int) -> Parity:
    """Compares on `trial_rows`; `booster` is the one before its thresholds were snapped.

    Raises ConfigurationError, naming the worst rows, where a probability differs by more than
    MAX_DIFF, where the order within a request changes, or where a row's bits depend on its batch.
    """
    rows = trial_rows(booster, sample, seed=seed)
    runner = GraphRunner(graph)
    wanted, got = predict(booster, rows), runner.score(rows)
    differences = np.abs(wanted - got.astype(np.float64))
    # A NaN is the largest difference there is.
    differences[~np.isfinite(differences)] = np.inf
    order_changes = _order_changes(wanted, got)
    batch_invariant = _is_batch_invariant(runner, rows, got, seed=seed)
    parity = Parity(len(rows), float(differences.max()), order_changes, batch_invariant)
    if parity.max_diff > MAX_DIFF or order_changes or not batch_invariant:
        worst = np.argsort(-differences, kind="stable")[:_NAMED_ROWS].tolist()
        named = "; ".join(
            f"row {i}: LightGBM {wanted[i]:.7f}, ONNX {got[i]:.7f}, inputs {_abbreviated(rows[i])}"
            for i in worst
        )
        raise ConfigurationError(
            f"the exported graph is not the booster: over {parity.rows} rows they differ by up to "
            f"{parity.max_diff:.2g} (at most {MAX_DIFF:g}), {order_changes} pairs change their order, and a "
            f"row's bits {'do not depend' if batch_invariant else 'depend'} on its batch. {named}. The model "
            "was not written. Install the locked versions with `make setup` and train again."
        )
    return parity


def trial_rows(booster: lgb.Booster, sample: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    """At least MIN_ROWS rows, float32 [n, n_features], shuffled: real ones, and the ones that go wrong.

    Each threshold of the trees stands in a real row, exactly and one float32 above and below; each
    feature is missing once; so are all; all are 0, and infinite.
    """
    random = np.random.default_rng(seed)
    n_features = booster.num_feature()
    real = sample[random.integers(0, len(sample), MIN_ROWS)]
    found = thresholds(booster)
    if len(found) > _MAX_THRESHOLDS:
        found = [found[i] for i in sorted(random.choice(len(found), _MAX_THRESHOLDS, replace=False))]
    columns = np.repeat(np.array([feature for feature, _ in found], np.int64), 3)
    exact = float32_not_above(np.array([value for _, value in found], np.float64))
    limit = np.float32(np.inf)
    # Next to the largest float32, where LightGBM splits off the missing ones at 1e300, is infinity.
    with np.errstate(over="ignore"):
        around = np.stack([exact, np.nextafter(exact, limit), np.nextafter(exact, -limit)], axis=1)
    around = around.reshape(-1)
    on_thresholds = real[random.integers(0, len(real), len(around))]
    on_thresholds[np.arange(len(around)), columns] = around
    missing = real[random.integers(0, len(real), n_features)]
    np.fill_diagonal(missing, np.nan)
    constant = np.full((5, n_features), 0.0, np.float32)
    constant[1:] = np.array([[-0.0], [np.nan], [np.inf], [-np.inf]], np.float32)
    rows = np.concatenate([real, on_thresholds, missing, constant])
    return rows[random.permutation(len(rows))]


def _order_changes(wanted: NDArray[np.float64], got: NDArray[np.float32]) -> int:
    """Neighbours, in the booster's order within a request, that the graph puts the other way round."""
    changes = 0
    for first in range(0, len(wanted), _REQUEST_ROWS):
        reference, graph = wanted[first : first + _REQUEST_ROWS], got[first : first + _REQUEST_ROWS]
        order = np.argsort(-reference, kind="stable")
        apart = -np.diff(reference[order]) > ORDER_RESOLUTION
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


def _abbreviated(row: NDArray[np.float32]) -> str:
    shown = ", ".join(f"{value:.9g}" for value in row[:8].tolist())
    return f"[{shown}, …]" if len(row) > 8 else f"[{shown}]"
