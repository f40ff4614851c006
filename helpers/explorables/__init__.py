"""Figures that answer to sliders: live in Jupyter, a still figure with the same message everywhere else.

Each explorable offers three things at once: a live widget view (controls and a picture that observers redraw), the
still figure with its alt text, and a sentence of plain text. `course.py run` strips the widget from what is stored.
"""

from __future__ import annotations

import asyncio
import gc
import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import matplotlib.colors as mcolors
import numpy as np
import pandas as pd
from fewgroups.batch import fit_many
from fewgroups.studies import monte_carlo
from matplotlib.figure import Figure
from scipy import stats

from helpers.figures import BLUE, GREY, INK, ORANGE, canvas, pooling
from helpers.figures.display import bundle, captioned
from helpers.figures.style import dots, note
from helpers.pushups import Design, Truth, simulate

__all__ = ["equation_terms", "false_positives", "own_slopes", "power_map", "shrinkage"]

Drawn = tuple[Figure, dict[str, Any]]
"""A figure, and the values of its caption."""
REST = 0.3
"""Seconds after the last move of a slider when the sharp picture is drawn."""


class Explorable:
    """A figure and the controls that redraw it.

    `key` names title and alt text, as in `show`; `controls` are widgets with a `.value`, one for each argument of
    `draw`. While a control moves, the picture follows at single density, its axes where the last sharp picture had
    them; once it rests, it is laid out anew and drawn at double density: that takes four times as long.
    """

    def __init__(self, key: str, draw: Callable[..., Drawn], /, **controls: Any):
        self.key, self.draw, self.controls = key, draw, controls
        self.picture = widgets.HTML()
        self._places: list[Any] = []  # of the axes
        self._waiting: asyncio.TimerHandle | None = None
        for control in controls.values():
            control.observe(self._follow, names="value")

    def redraw(self, sharp: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """Draw with the controls' values, in the live view too; gives the outputs by MIME type and their metadata."""
        now = {name: control.value for name, control in self.controls.items()}
        figure, values = self.draw(**now)
        if self._places and not sharp:
            figure.set_layout_engine("none")
            for ax, place in zip(figure.axes, self._places, strict=True):
                ax.set_position(place)
        data, metadata = bundle(figure, captioned(figure, self.key, values), sharp)
        if sharp:
            self._places = [ax.get_position() for ax in figure.axes]
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
        else:  # searching all that is there for garbage, between two pictures, takes longer than a picture
            gc.freeze()
        self.redraw(sharp=False)
        gc.collect()
        self._waiting = loop.call_later(REST, self._rest)

    def _rest(self) -> None:
        self._waiting = None
        gc.unfreeze()
        self.redraw(sharp=True)

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


TESTS = ("t-test on all scores", "t-test on athlete means")
STUDIES = 2000
"""Data sets drawn for every picture of false positives."""


def false_positive_rates(
    athletes: int, athlete_sd: float, slope_sd: float, factor: str
) -> pd.DataFrame:
    """What `monte_carlo` finds for the TESTS, in their order, in a world without an average effect.

    `athlete_sd` and `slope_sd` are the SDs of the athletes' levels and of their own changes; `factor` is "within"
    (every athlete in both sessions) or "between" (half of them in each).
    """
    between = factor == "between"
    return monte_carlo(
        Design(athletes=athletes, between=between),
        Truth(effect=0, athlete_sd=athlete_sd, slope_sd=slope_sd, clip=False),
        methods=["pooled t", "t on means" if between else "paired t"],
        n=STUDIES,
        seed=1,
    )


def false_positives() -> Explorable:
    """How often each of the TESTS finds an effect that is not there; the residual SD is .05."""

    def draw(athletes: int, athlete_sd: float, slope_sd: float, factor: str) -> Drawn:
        table = false_positive_rates(athletes, athlete_sd, slope_sd, factor)
        rates, places = table["rejection"].to_numpy(), np.array([1, 0])
        figure, ax = canvas("share of studies with p < 0.05", height=2.0)
        colours = [ORANGE if abs(rate - 0.05) > 0.02 else BLUE for rate in rates]
        whiskers = {"xerr": 2 * table["rejection_error"], "error_kw": {"ecolor": INK}}
        ax.barh(places, rates, color=colours, height=0.6, **whiskers)
        ax.axvline(0.05, color=INK, linestyle="--")
        for place, rate in zip(places, rates, strict=True):
            note(ax, f"{rate:.3f}", (min(max(rate, 0.05), 0.9), place), (14, -4))
        ax.set_yticks(places, TESTS)
        ax.set_xlim(0, 1)
        world = {"athlete_sd": athlete_sd, "slope_sd": slope_sd, "factor": factor}
        return figure, world | {"athletes": athletes, "pooled": rates[0], "means": rates[1]}

    return Explorable(
        "01.false_positives",
        draw,
        athletes=whole("athletes", 4, 4, 20),
        athlete_sd=slider("SD of athletes", 0.05, 0, 0.10),
        slope_sd=slider("SD of athletes' own changes", 0.03, 0, 0.10),
        factor=widgets.ToggleButtons(options=["within", "between"], description="session varies"),
    )


def equation_terms() -> Explorable:
    """The same draws of luck, redrawn as the terms of the equation change."""

    def draw(**terms: float) -> Drawn:
        table = simulate(Design(), Truth(clip=False, **terms), 42)
        figure, ax = canvas("repeats, athlete by athlete", "score")
        place, high = np.arange(len(table)), table["session_high"].to_numpy()
        for k in (0, 1):
            scores = table["correctness"][high == k]
            dots(ax, place[high == k], scores, k, alpha=1, markersize=3.5)
        mean = terms["intercept"] + terms["effect"] * high
        ax.step(place, mean, where="mid", color=GREY, linewidth=1.2)
        ax.set_xticks(25 + 50 * np.arange(4), list(dict.fromkeys(table["athlete_id"])))
        ax.set_ylim(0.4, 1.2)
        return figure, terms

    return Explorable(
        "02.equation_terms",
        draw,
        intercept=slider("β₀, level in session 20", 0.85, 0.5, 1.0),
        effect=slider("β₁, change in session 30", -0.08, -0.2, 0.2),
        athlete_sd=slider("SD of athletes, σᵤ", 0.05, 0, 0.15),
        residual_sd=slider("SD of repeats, σ", 0.05, 0, 0.15),
    )


def shrinkage() -> Explorable:
    """How far an athlete's own mean is drawn towards the average of all; the other three have fifty scores."""

    def draw(repeats: int, athlete_sd: float, residual_sd: float) -> Drawn:
        counts = np.array([50, 50, 50, repeats])
        kept = counts * athlete_sd**2 / (counts * athlete_sd**2 + residual_sd**2)
        means = np.array([0.08, 0.03, -0.04, -0.09])
        table = pd.DataFrame({"scores": counts, "no pooling": means, "partial": kept * means})
        figure = pooling(table.set_index(pd.Index([f"λ {share:.2f}" for share in kept])))
        figure.axes[0].set(xlim=(-0.12, 0.12), ylim=(-0.6, 3.6))
        return figure, {"repeats": repeats, "many": kept[0], "few": kept[3]}

    return Explorable(
        "02.shrinkage",
        draw,
        repeats=whole("repeats of the last athlete", 3, 1, 50),
        athlete_sd=slider("SD of athletes, σᵤ", 0.05, 0, 0.15),
        residual_sd=slider("SD of repeats, σ", 0.05, 0.01, 0.15),
    )


def own_slopes() -> Explorable:
    """A line for each athlete, and how sure of the average change two models are: levels only, and with slopes."""

    def draw(slope_sd: float, athletes: int, repeats: int) -> Drawn:
        # Everybody's luck is drawn for the most athletes and repeats there can be: a slider adds people and repeats,
        # and changes nothing about those who are there already.
        rng = np.random.default_rng(10)
        levels, changes = rng.standard_normal((2, 30, 1))[:, :athletes]
        luck = 0.05 * rng.standard_normal((30, 2, 150))[:athletes]
        effect, long = -0.08, repeats * 3 // 2  # half as often again in the long session
        short_scores = 0.85 + 0.05 * levels + luck[:, 0, :repeats]
        long_scores = 0.85 + 0.05 * levels + effect + slope_sd * changes + luck[:, 1, :long]
        scores = np.hstack([short_scores, long_scores]).ravel()
        means = np.array([short_scores.mean(axis=1), long_scores.mean(axis=1)])
        design = Design([f"athlete {i}" for i in range(athletes)], {"short": repeats, "long": long})

        figure, (left, right) = canvas(columns=2, width_ratios=[3, 4], height=3.4)
        # One artist with gaps draws faster than thirty.
        heights = np.vstack([means, np.full(athletes, np.nan)]).T.ravel()
        look = {"color": BLUE, "markersize": 3.5, "linewidth": 1.2}
        left.plot([0, 1, np.nan] * athletes, heights, ":o", **look)
        left.plot([0, 1], means.mean(axis=1), color=ORANGE, linewidth=3)
        left.set(ylabel="mean score", ylim=(0.45, 1.1), xlim=(-0.3, 1.3))
        left.set_xticks([0, 1], ["short", "long"])
        errors = []
        for place, (slopes, colour) in enumerate([(True, ORANGE), (False, BLUE)]):
            fitted = fit_many(scores, design, slopes=slopes)
            estimate, se = fitted.estimate[0, 1], fitted.se[0, 1]
            look = {"fmt": "os"[place], "color": colour, "capsize": 5, "linewidth": 2.4}
            right.errorbar(estimate, place, xerr=1.96 * se, **look)
            singular = " (singular fit)" if slopes and fitted.singular[0] else ""
            label = f"SE {se:.4f}{singular}"
            right.text(estimate, place + 0.2, label, ha="center", backgroundcolor="white")
            errors.append(se)
        right.axvline(effect, color=INK, linestyle="--", linewidth=1)
        xlabel = "average change, ± 1.96 SE (dashed: truth)"
        right.set(xlabel=xlabel, xlim=(-0.2, 0.04), ylim=(-0.6, 1.7))
        right.set_yticks([0, 1], ["with slopes", "levels only"])
        values = {"se_slopes": errors[0], "se_levels": errors[1]}
        return figure, values | {"athletes": athletes, "slope_sd": slope_sd}

    return Explorable(
        "06.own_slopes",
        draw,
        slope_sd=slider("SD of changes", 0.03, 0, 0.1),
        athletes=whole("athletes", 10, 3, 30),
        repeats=whole("repeats in the short session", 20, 2, 100),
    )


ATHLETES, REPEATS = np.arange(2, 41), np.arange(1, 61)
RESIDUAL_SD = 0.05
# What an athlete costs before any repeat is scored, and what each scored repeat adds.
ATHLETE_HOURS, REPEAT_HOURS = 1.5, 1 / 60
# Twenty shades of power, light enough for dark lines on them.
SHADES = mcolors.LinearSegmentedColormap.from_list("power", ["white", "#6FB2DA"], N=20)


def paired_power(effect: float, slope_sd: float) -> np.ndarray:
    """Power of the paired t-test at the 5 % level, (repeats, athletes), as lesson 12 derives it.

    Every athlete does both sessions, with the same number of scored repeats in each; scores are not clipped. Then t
    follows a noncentral t distribution, shifted by the effect over its true standard error.
    """
    se = np.sqrt((slope_sd**2 + 2 * RESIDUAL_SD**2 / REPEATS[:, None]) / ATHLETES)
    shift, df = effect / se, ATHLETES - 1
    bar = stats.t.ppf(0.975, df)
    # Shifted by more than 7, t has the wrong sign once in 10¹² studies, and scipy loses the number.
    wrong_sign = stats.nct.cdf(-bar, df, np.minimum(shift, 7))
    return stats.nct.sf(bar, df, shift) + wrong_sign


def power_map() -> Explorable:
    """Power of the paired t-test for every number of athletes and of scored repeats, and what a budget buys."""

    def draw(budget: int, effect: float, slope_sd: float) -> Drawn:
        power = paired_power(effect, slope_sd)
        hours = ATHLETES * (ATHLETE_HOURS + 2 * REPEATS[:, None] * REPEAT_HOURS)
        # Most power for the money; of designs that have the same three digits of it, the cheapest.
        rank = np.where(hours <= budget, power.round(3) - 1e-6 * hours, -1)
        row, column = np.unravel_index(rank.argmax(), rank.shape)
        athletes, repeats = ATHLETES[column], REPEATS[row]

        figure, ax = canvas("athletes", "scored repeats in each session", height=4.2)
        extent, shades = (1.5, 40.5, 0.5, 60.5), {"cmap": SHADES, "vmin": 0, "vmax": 1}
        ax.imshow(power, origin="lower", aspect="auto", extent=extent, **shades)
        ax.grid(visible=False)
        levels = [level for level in (0.5, 0.8, 0.95) if power.min() < level < power.max()]
        if levels:
            widths = [2.2 if level == 0.8 else 0.9 for level in levels]
            lines = ax.contour(ATHLETES, REPEATS, power, levels, colors=INK, linewidths=widths)
            ax.clabel(lines, fmt=lambda level: f"{level:g}", fontsize=9)
        buys = (budget / ATHLETES - ATHLETE_HOURS) / (2 * REPEAT_HOURS)
        ax.plot(ATHLETES, buys, "--", color=ORANGE, label=f"designs that cost {budget} hours")
        look = {"markersize": 9, "markeredgecolor": INK, "label": "the most power of them"}
        ax.plot(athletes, repeats, "D", color=ORANGE, **look)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        ax.set(xlim=extent[:2], ylim=extent[2:], xticks=[4, 10, 20, 30, 40], yticks=[5, 20, 40, 60])
        best = {"athletes": athletes, "repeats": repeats, "best": power[row, column]}
        best["fewer_athletes"] = power[row, np.searchsorted(ATHLETES, max(2, athletes // 2))]
        best["fewer_repeats"] = power[np.searchsorted(REPEATS, max(1, repeats // 2)), column]
        return figure, best | {"budget": budget, "effect": effect, "slope_sd": slope_sd}

    return Explorable(
        "12.power_map",
        draw,
        budget=whole("budget in hours", 20, 5, 80),
        effect=slider("smallest effect of interest", 0.04, 0.01, 0.10),
        slope_sd=slider("SD of athletes' own changes", 0.03, 0, 0.10),
    )
