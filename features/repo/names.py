"""What things are called in Feast: features by `view.field`, as in a model's manifest."""

from __future__ import annotations

from features.schema import View

PROJECT = "rankfeed"
SERVICE = "home"
"""All rows and the model's inputs."""
MODEL_INPUTS = "model_inputs"
NOW_MS = "now_ms"
"""The moment to compute inputs for, UTC; a request's own, as the served record has it."""

ROW_TIME = "ts_ms"
ROW_SEQ = "seq"


def feature(view: View, column: str) -> str:
    """Unique over all views: Feast's short names are then never another view's."""
    return f"{view.name}.{column}"
