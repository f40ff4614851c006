"""What every explorable is made of: a figure, and the controls that redraw it."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure

from helpers.figures.display import bundle, captioned

Drawn = tuple[Figure, dict[str, Any]]
"""A figure, and the values of its caption."""
REST = 0.3
"""Seconds after the last move of a slider when the sharp picture is drawn."""


class Explorable:
    """A figure and the controls that redraw it.

    `key` names title and alt text, as in `show`; `controls` are widgets with a `.value`, one for each argument of
    `draw`. While a control moves, the picture follows at single density, in half the time; once it rests, it is drawn
    at double density.
    """

    def __init__(self, key: str, draw: Callable[..., Drawn], /, **controls: Any):
        self.key, self.draw, self.controls = key, draw, controls
        self.picture = widgets.HTML()
        self._waiting: asyncio.TimerHandle | None = None
        for control in controls.values():
            control.observe(self._follow, names="value")

    def redraw(self, sharp: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """Draw with the controls' values, in the live view too; gives the outputs by MIME type and their metadata."""
        now = {name: control.value for name, control in self.controls.items()}
        figure, values = self.draw(**now)
        data, metadata = bundle(figure, captioned(figure, self.key, values), sharp)
        shown = metadata["image/png"]
        self.picture.value = (
            f'<img alt="{html.escape(shown["alt"])}" width="{shown["width"]}" height="{shown["height"]}" '
            f'style="max-width: 100%; height: auto" src="data:image/png;base64,{data["image/png"]}">'
        )
        return data, metadata

    def _follow(self, _change: Any) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel, nothing that could wait
            self.redraw(sharp=True)
            return
        if self._waiting:
            self._waiting.cancel()
        self.redraw(sharp=False)
        self._waiting = loop.call_later(REST, self.redraw, True)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self.redraw(sharp=True)
        live = widgets.VBox([*self.controls.values(), self.picture])._repr_mimebundle_() or {}
        return live | data, metadata


# Wide enough for the longest label; in a narrow window the slider gets shorter.
LOOK: dict[str, Any] = {
    "style": {"description_width": "15em"},
    "layout": {"width": "36em", "max_width": "100%"},
}


def slider(label: str, value: float, low: float, high: float) -> widgets.FloatSlider:
    """A slider for a number with two decimals."""
    look = LOOK | {"step": 0.01, "readout_format": ".2f"}
    return widgets.FloatSlider(value=value, min=low, max=high, description=label, **look)


def whole(label: str, value: int, low: int, high: int) -> widgets.IntSlider:
    """A slider for a whole number."""
    return widgets.IntSlider(value=value, min=low, max=high, description=label, **LOOK)
