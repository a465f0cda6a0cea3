"""A model ready to score: one ONNX session, one thread, one call for all heads."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_state

from core.errors import Corrupt
from ranking.bundle import Bundle

WARM_UP_ROWS = 200

# onnxruntime's exceptions have no ancestor of their own; ValueError is its word on a wrong input name.
_RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    ValueError,
    *(one for one in vars(runtime_state).values() if isinstance(one, type) and issubclass(one, Exception)),
)
_LOAD_ERRORS: tuple[type[Exception], ...] = (*_RUNTIME_ERRORS, OSError)


def open_session(graph: bytes) -> onnxruntime.InferenceSession:
    """A session as serving runs it, and as training's parity gate has to: one thread, one after another.

    With 2 or 4 threads 25 to 38 % of the rows in small batches change their bits (measured): who has more
    cores cuts the batch (`ranking.scoring_threads`).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class RankingModel:
    """Scores float32 matrices; the same row has the same bits in a batch of any size."""

    def __init__(self, bundle: Bundle) -> None:
        """Loads and warms up; raises Corrupt where the graph cannot be loaded or run."""
        self.manifest = bundle.manifest
        self.label = f"{self.manifest.name}@{self.manifest.version}"
        self.heads = tuple(head.name for head in self.manifest.heads)
        # Training writes one with a column a head; heads may have outputs of their own, too.
        self._outputs = list(dict.fromkeys(head.output for head in self.manifest.heads))
        try:
            self._session = open_session(bundle.model_path.read_bytes())
        except _LOAD_ERRORS as exc:
            raise Corrupt(f"{self.label}: the graph cannot be loaded: {exc}") from exc
        self._input = self._session.get_inputs()[0].name
        self.score(np.zeros((WARM_UP_ROWS, len(self.manifest.input.features)), np.float32))

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [n, n_heads] from float32 [n, n_features]; raises Corrupt where the graph fails.

        Releases the GIL while it runs.
        """
        try:
            outputs = self._session.run(self._outputs, {self._input: features})
        except _RUNTIME_ERRORS as exc:
            raise Corrupt(f"{self.label}: the graph cannot be run: {exc}") from exc
        scores = np.asarray(outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1), np.float32)
        if scores.shape != (len(features), len(self.heads)):
            raise Corrupt(
                f"{self.label}: the graph gives {list(scores.shape)} for {len(features)} rows of "
                f"{len(self.heads)} heads. Train it again with `rankfeed train`."
            )
        return scores
