"""What every explorable is made of: a figure, and the controls that redraw it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
from matplotlib.figure import Figure

from helpers.figures.display import bundle, captioned

Drawing = tuple[Figure, dict[str, Any]]


class Explorable:
    """A figure and the controls that redraw it.

    Parameters
    ----------
    key : str
        Title and alt text, as in `show`.
    draw : callable
        Takes the controls' values by name, gives a Figure and the values of its caption.
    **controls : ipywidgets
        One widget with a `.value` for each argument of `draw`.
    """

    def __init__(self, key: str, draw: Callable[..., Drawing], /, **controls: Any):
        self.key, self.draw, self.controls = key, draw, controls
        self.picture = widgets.HTML()

    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    def still(self) -> tuple[Figure, str]:
        """The figure that the controls ask for, under its title, and its alt text."""
        figure, values = self.draw(**self.values())
        return figure, captioned(figure, self.key, values)

    def redraw(self, _change: Any = None) -> None:
        """Draw again with the controls' values."""
        figure, alt = self.still()
        data, metadata = bundle(figure, alt, sharp=False)
        size = metadata["image/png"]
        self.picture.value = (
            f'<img alt="{html.escape(alt, quote=True)}" width="{size["width"]}" height="{size["height"]}" '
            f'src="data:image/png;base64,{data["image/png"]}">'
        )

    def view(self) -> widgets.Widget:
        """The live widget: controls above the picture."""
        if not self.picture.value:
            self.redraw()
            for control in self.controls.values():
                control.observe(self.redraw, names="value")
        return widgets.VBox([*self.controls.values(), self.picture])

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = bundle(*self.still())
        live = self.view()._repr_mimebundle_() or {}
        return {
            **{kind: value for kind, value in live.items() if kind != "text/plain"},
            **data,
        }, metadata


# Redrawn when the hand lets go of a slider, not on the way.
LOOK: dict[str, Any] = {
    "continuous_update": False,
    "style": {"description_width": "12em"},
    "layout": {"width": "32em"},
}


def slider(label: str, value: float, low: float, high: float, step: float) -> widgets.FloatSlider:
    """A slider for a number with two decimals."""
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=label, readout_format=".2f", **LOOK
    )


def whole(label: str, value: int, low: int, high: int) -> widgets.IntSlider:
    """A slider for a whole number."""
    return widgets.IntSlider(value=value, min=low, max=high, description=label, **LOOK)
