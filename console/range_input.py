"""A slider that is the browser's own."""

from __future__ import annotations

from nicegui.elements.mixins.value_element import ValueElement

THROTTLE_S = 0.05


class RangeInput(ValueElement[float], component="range.js"):
    # The element follows the hand at once, and the server only where that sets it.
    VALUE_PROP = "value"
    LOOPBACK = None

    def __init__(self, label: str, *, least: float, most: float, step: float, value: float) -> None:
        """`label` is what it is called by who reads it out."""
        super().__init__(value=value, throttle=THROTTLE_S)
        self.props["label"] = label
        self.props["min"], self.props["max"], self.props["step"] = least, most, step
