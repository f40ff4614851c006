"""How much power a study buys: athletes against repeats, for a budget."""

from __future__ import annotations

from typing import Any

import matplotlib.colors as mcolors
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from helpers.explorables.controls import Explorable, slider, whole
from helpers.figures import INK, ORANGE, canvas

ATHLETES = np.arange(2, 41)
REPEATS = np.arange(1, 61)
RESIDUAL_SD = 0.05
# What an athlete costs before any repeat is scored, and what each scored repeat adds.
ATHLETE_HOURS, REPEAT_HOURS = 1.5, 1 / 60
# Twenty shades of power, light enough for dark lines on them.
SHADES = mcolors.LinearSegmentedColormap.from_list("power", ["white", "#6FB2DA"], N=20)


def power_map() -> Explorable:
    """Power of the paired t-test for every number of athletes and of scored repeats, and what a budget buys."""
    return Explorable(
        "10.power_map",
        _map,
        budget=whole("budget in hours", 20, 5, 80),
        effect=slider("smallest effect of interest", 0.04, 0.01, 0.10, 0.01),
        slope_sd=slider("SD of athletes' own changes", 0.03, 0, 0.10, 0.01),
    )


def paired_power(effect: float, slope_sd: float) -> np.ndarray:
    """Power of the paired t-test at the 5 % level, (repeats, athletes), as lesson 10 derives it.

    Every athlete does both sessions, with the same number of scored repeats in each; scores are not clipped. Then t
    follows a noncentral t distribution, shifted by the effect over its true standard error.
    """
    se = np.sqrt((slope_sd**2 + 2 * RESIDUAL_SD**2 / REPEATS[:, None]) / ATHLETES)
    shift, df = effect / se, ATHLETES - 1
    bar = stats.t.ppf(0.975, df)
    # Shifted by more than 7, t has the wrong sign once in 10¹² studies, and scipy loses the number.
    wrong_sign = stats.nct.cdf(-bar, df, np.minimum(shift, 7))
    return stats.nct.sf(bar, df, shift) + wrong_sign


def _map(budget: int, effect: float, slope_sd: float) -> tuple[Figure, dict[str, Any]]:
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
        lines = ax.contour(ATHLETES, REPEATS, power, levels=levels, colors=INK, linewidths=widths)
        ax.clabel(lines, fmt=lambda level: f"{level:g}"[1:], fontsize=9)
    buys = (budget / ATHLETES - ATHLETE_HOURS) / (2 * REPEAT_HOURS)
    ax.plot(ATHLETES, buys, "--", color=ORANGE, label=f"designs that cost {budget} hours")
    look = {"markersize": 9, "markeredgecolor": INK, "label": "the most power of them"}
    ax.plot(athletes, repeats, "D", color=ORANGE, **look)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    ax.set(xlim=extent[:2], ylim=extent[2:], xticks=[4, 10, 20, 30, 40], yticks=[5, 20, 40, 60])
    return figure, {
        "budget": budget,
        "effect": effect,
        "slope_sd": slope_sd,
        "athletes": athletes,
        "repeats": repeats,
        "best": power[row, column],
        "fewer_athletes": power[row, np.searchsorted(ATHLETES, max(2, athletes // 2))],
        "fewer_repeats": power[np.searchsorted(REPEATS, max(1, repeats // 2)), column],
    }
