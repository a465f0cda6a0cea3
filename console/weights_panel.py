"""Sliders for the objective's weights: what is drawn with them is not saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from console.figures import plain
from console.range_input import RangeInput
from console.rerank import step_of
from ranking.objective import Weight


class WeightsPanel:
    """A slider and a number for each weight, within its bounds; `on_change` hears of all of them."""

    def __init__(
        self, weights: Mapping[str, Weight], on_change: Callable[[Mapping[str, float]], None]
    ) -> None:
        self._first = {head: weight.w for head, weight in weights.items()}
        self._now = dict(self._first)
        self._on_change = on_change
        self._inputs: dict[str, tuple[RangeInput, ui.number]] = {}
        self._quiet = False
        with ui.element("div").classes("weights"):
            for head, weight in weights.items():
                self._draw(head, weight)

    def reset(self) -> None:
        self._show(self._first)
        self._on_change(self._now)

    def _draw(self, head: str, weight: Weight) -> None:
        bounds = f"{plain(weight.min)} to {plain(weight.max)}"
        with ui.element("div").classes("weight"):
            slider = RangeInput(
                f"weight of {head}, {bounds}",
                least=weight.min,
                most=weight.max,
                step=step_of(weight),
                value=weight.w,
            )
            number = ui.number(
                f"{head}, {bounds}", value=weight.w, min=weight.min, max=weight.max, step=step_of(weight)
            )
        slider.props(f"data-testid=weight-{head}-slider")
        slider.on_value_change(lambda event: self._changed(head, weight, event))
        # Taken over when somebody is done with it: half a number is another one.
        number.props(f"dense outlined data-testid=weight-{head} debounce=300")
        number.on_value_change(lambda event: self._changed(head, weight, event))
        self._inputs[head] = slider, number

    def _changed(self, head: str, weight: Weight, event: ValueChangeEventArguments[float | None]) -> None:
        value = event.value
        if self._quiet or value is None:
            return
        # Steps of a slider add up to many digits.
        wanted = round(min(max(float(value), weight.min), weight.max), 6)
        if wanted != self._now[head]:
            self._show({**self._now, head: wanted})
            self._on_change(self._now)
        if wanted != value:
            # What was typed is only heard of otherwise, and not answered.
            self._show(self._now)
            event.sender.update()

    def _show(self, weights: Mapping[str, float]) -> None:
        """Both inputs of a head say the same, and nobody hears of it."""
        self._now = dict(weights)
        self._quiet = True
        for head, (slider, number) in self._inputs.items():
            for one in (slider, number):
                if one.value != weights[head]:
                    one.value = weights[head]
        self._quiet = False
