"""Figures that answer to sliders: live in Jupyter, a still figure with the same message everywhere else.

Each explorable offers three things at once: a live widget view (controls and a picture that observers redraw), the
still figure with its alt text, and a sentence of plain text. `course.py run` strips the widget from what is stored.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from helpers.designs import Design, Truth
from helpers.figures import BLUE, GREY, INK, ORANGE, PALETTE, canvas
from helpers.figures.display import bundle, checked_alt
from helpers.simulation import simulate
from helpers.studies import monte_carlo

Drawing = tuple[Figure, str]


class Explorable:
    """A figure and the controls that redraw it.

    Parameters
    ----------
    draw : callable
        Takes the controls' values by name, gives a Figure and its alt text.
    **controls : ipywidgets
        One widget with a `.value` for each argument of `draw`.
    """

    def __init__(self, draw: Callable[..., Drawing], **controls: Any):
        self.draw, self.controls = draw, controls
        self.picture = widgets.HTML()

    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self, _change: Any = None) -> None:
        """Draw again with the controls' values."""
        figure, alt = self.draw(**self.values())
        data, metadata = bundle(figure, checked_alt(alt), sharp=False)
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
        figure, alt = self.draw(**self.values())
        data, metadata = bundle(figure, checked_alt(alt))
        live = self.view()._repr_mimebundle_() or {}
        return {**{kind: value for kind, value in live.items() if kind != "text/plain"}, **data}, metadata


# Redrawn when the hand lets go of a slider, not on the way.
LOOK: dict[str, Any] = {
    "continuous_update": False,
    "style": {"description_width": "12em"},
    "layout": {"width": "32em"},
}


def _slider(label: str, value: float, low: float, high: float, step: float) -> widgets.FloatSlider:
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=label, readout_format=".2f", **LOOK
    )


def _whole(label: str, value: int, low: int, high: int) -> widgets.IntSlider:
    return widgets.IntSlider(value=value, min=low, max=high, description=label, **LOOK)


def false_positives(
    athletes: int = 4,
    athlete_sd: float = 0.05,
    slope_sd: float = 0.03,
    factor: str = "within",
    n: int = 2000,
    seed: int = 1,
) -> Explorable:
    """How often each test finds an effect that is not there.

    Parameters
    ----------
    athletes : int, 2 to 20
    athlete_sd, slope_sd : float
        SDs of the athletes' levels and of their own changes; the residual SD is .05.
    factor : "within" or "between"
        Every athlete in both sessions, or half of them in each.
    n : int
        Data sets drawn for every picture.
    seed : int
    """
    return Explorable(
        lambda athletes, athlete_sd, slope_sd, factor: _false_positives(
            athletes, athlete_sd, slope_sd, factor, n, seed
        ),
        athletes=_whole("athletes", athletes, 4, 20),
        athlete_sd=_slider("SD of athletes", athlete_sd, 0, 0.10, 0.01),
        slope_sd=_slider("SD of athletes' own changes", slope_sd, 0, 0.10, 0.01),
        factor=widgets.ToggleButtons(
            value=factor, options=["within", "between"], description="session varies"
        ),
    )


def _false_positives(
    athletes: int, athlete_sd: float, slope_sd: float, factor: str, n: int, seed: int
) -> Drawing:
    between = factor == "between"
    world = Truth(effect=0, athlete_sd=athlete_sd, slope_sd=slope_sd, clip=False)
    means_test = "t on means" if between else "paired t"
    rates = monte_carlo(
        Design(athletes=athletes, between=between),
        world,
        methods=["pooled t", means_test, "intercept z"],
        n=n,
        seed=seed,
    )
    shown, errors = rates["rejection"].to_numpy(), rates["rejection_error"].to_numpy()
    names = ["t-test on all scores", "t-test on athlete means", "mixed model without slopes, z"]
    figure, ax = canvas(
        f"How often each test finds an effect that is not there ({athletes} athletes, {factor})",
        "share of studies with p < .05",
        "",
        height=2.6,
    )
    places = np.arange(len(shown))[::-1]
    ax.barh(
        places,
        shown,
        xerr=2 * errors,
        color=[ORANGE if abs(rate - 0.05) > 0.02 else BLUE for rate in shown],
        height=0.6,
        error_kw={"ecolor": INK},
    )
    ax.axvline(0.05, color=INK, linestyle="--")
    for place, rate in zip(places, shown, strict=True):
        ax.annotate(f"{rate:.3f}", (min(max(rate, 0.05), 0.9), place), xytext=(14, -4), textcoords="offset points")
    ax.set_yticks(places, names)
    ax.set_xlim(0, 1)
    rows = "; ".join(f"{name} {rate:.3f}" for name, rate in zip(names, shown, strict=True))
    alt = (
        f"Bar chart of false-positive rates at a nominal 5 %, {athletes} athletes with SD {athlete_sd:.2f} and "
        f"slope SD {slope_sd:.2f}, session varying {factor} athletes: {rows}. The dashed line marks .05."
    )
    return figure, alt


def equation_terms(
    intercept: float = 0.85,
    effect: float = -0.08,
    athlete_sd: float = 0.05,
    residual_sd: float = 0.05,
    seed: int = 42,
) -> Explorable:
    """The same draws of luck, redrawn as the terms of the equation change.

    Parameters
    ----------
    intercept, effect, athlete_sd, residual_sd : float
        As in `Truth`.
    seed : int
        Fixes the luck: only the terms change.
    """
    return Explorable(
        lambda **terms: _equation(Truth(clip=False, **terms), seed),
        intercept=_slider("β₀, level in session 20", intercept, 0.5, 1.0, 0.01),
        effect=_slider("β₁, change in session 30", effect, -0.2, 0.2, 0.01),
        athlete_sd=_slider("SD of athletes, τ", athlete_sd, 0, 0.15, 0.01),
        residual_sd=_slider("SD of repeats, σ", residual_sd, 0, 0.15, 0.01),
    )


def _equation(truth: Truth, seed: int) -> Drawing:
    table = simulate(Design(), truth, seed)
    figure, ax = canvas("Each term moves the scores in its own way", "repeats, athlete by athlete", "score")
    place = np.arange(len(table))
    for high, colour, marker in [(0, BLUE, "o"), (1, ORANGE, "s")]:
        here = (table["session_high"] == high).to_numpy()
        ax.plot(
            place[here], table["correctness"][here], marker, color=colour, markersize=3.5, markeredgewidth=0
        )
    mean = truth.intercept + truth.effect * table["session_high"]
    ax.step(place, mean, where="mid", color=GREY, linewidth=1.2)
    ax.set_xticks(25 + 50 * np.arange(4), list(dict.fromkeys(table["athlete_id"])))
    ax.set_ylim(0.4, 1.2)
    alt = (
        f"Scores of four athletes in order, drawn with β₀ {truth.intercept:.2f}, β₁ {truth.effect:.2f}, "
        f"SD of athletes {truth.athlete_sd:.2f} and SD of repeats {truth.residual_sd:.2f}; the grey step is the "
        f"average athlete. Athletes shift as blocks, repeats scatter within blocks."
    )
    return figure, alt


def shrinkage(repeats: int = 3, athlete_sd: float = 0.05, residual_sd: float = 0.05) -> Explorable:
    """How far an athlete's own mean is drawn towards the average of all.

    Parameters
    ----------
    repeats : int
        Scores of the one athlete who did few; the others keep fifty.
    athlete_sd, residual_sd : float
        τ and σ.
    """
    return Explorable(
        _shrinkage,
        repeats=_whole("repeats of the last athlete", repeats, 1, 50),
        athlete_sd=_slider("SD of athletes, τ", athlete_sd, 0, 0.15, 0.01),
        residual_sd=_slider("SD of repeats, σ", residual_sd, 0.01, 0.15, 0.01),
    )


def _shrinkage(repeats: int, athlete_sd: float, residual_sd: float) -> Drawing:
    own = np.array([0.08, 0.03, -0.04, -0.09])
    counts = np.array([50, 50, 50, repeats])
    factor = counts * athlete_sd**2 / (counts * athlete_sd**2 + residual_sd**2)
    figure, ax = canvas(
        "The fewer scores an athlete has, the more the model fills in from the others",
        "deviation from the average athlete",
        "",
        height=2.8,
    )
    for i, (mean, pull) in enumerate(zip(own, factor, strict=True)):
        ax.annotate(
            "", (mean * pull, 3 - i), (mean, 3 - i), arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5}
        )
        ax.plot(mean, 3 - i, "o", color=PALETTE[0], markersize=8, label="own mean" if i == 0 else None)
        ax.plot(
            mean * pull,
            3 - i,
            "D",
            color=PALETTE[1],
            markersize=7,
            label="what the model predicts" if i == 0 else None,
        )
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlim(-0.12, 0.12)
    ax.set_ylim(-0.6, 3.6)
    ax.set_yticks(
        range(4), [f"{n} scores, λ {pull:.2f}" for n, pull in zip(counts[::-1], factor[::-1], strict=True)]
    )
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    alt = (
        f"Four athletes, each with a dot for the own mean and a diamond for the prediction, pulled towards zero. "
        f"With 50 scores the shrinkage factor is {factor[0]:.2f}; the last athlete, with {repeats}, keeps "
        f"{factor[3]:.2f} of the own deviation."
    )
    return figure, alt
