"""How much power a study buys: athletes against repeats, for a budget."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import matplotlib.colors as mcolors
import numpy as np
from scipy import special

from helpers.explorables.controls import Drawing, Explorable, slider, whole
from helpers.figures import INK, ORANGE, canvas

Array = np.ndarray

ATHLETES = np.arange(2, 41)
REPEATS = np.arange(1, 61)
RESIDUAL_SD = 0.05
# Twenty shades of power, light enough for dark lines on them.
SHADES = mcolors.LinearSegmentedColormap.from_list("power", ["white", "#6FB2DA"], N=20)


@dataclass(frozen=True)
class Luck:
    """The luck of n experiments with each number of `ATHLETES`: (athletes, n) each, every row sorted.

    The paired t-test sees an athlete's own difference of means and nothing else. Scores that are not clipped make
    these differences normal about the true effect, so that m standard normals z are an experiment with m athletes,
    whose t is (δ + √m·mean(z)) / sd(z), where δ is the true effect over its true standard error. An experiment is
    significant where δ is above √m·(−mean(z)) + c·sd(z), its place in `right`, or, with the wrong sign, where −δ
    is above its place in `wrong`; c is the two-sided 5 % point of t with m − 1 degrees of freedom.
    """

    right: Array
    wrong: Array

    @classmethod
    @cache
    def draw(cls, n: int, seed: int) -> Luck:
        """Draw it; the experiments with more athletes add some to the ones with fewer."""
        normal = np.random.default_rng(seed).standard_normal((ATHLETES[-1], n))
        size = ATHLETES[:, None]
        mean = np.cumsum(normal, axis=0)[ATHLETES - 1] / size
        squares = np.cumsum(normal**2, axis=0)[ATHLETES - 1] - size * mean**2
        bar = -special.stdtrit(size - 1, 0.025) * np.sqrt(squares / (size - 1))
        return cls(np.sort(bar - np.sqrt(size) * mean), np.sort(bar + np.sqrt(size) * mean))

    def power(self, effect: float, slope_sd: float) -> Array:
        """(repeats, athletes) share of the n experiments that find the effect significant."""
        own = slope_sd**2 + 2 * RESIDUAL_SD**2 / REPEATS[:, None]
        strength = abs(effect) / np.sqrt(own / ATHLETES)
        found = np.empty(strength.shape)
        for j, (right, wrong) in enumerate(zip(self.right, self.wrong, strict=True)):
            found[:, j] = np.searchsorted(right, strength[:, j]) + np.searchsorted(
                wrong, -strength[:, j]
            )
        return found / self.right.shape[1]


def power_map(
    budget: int = 20,
    effect: float = 0.04,
    slope_sd: float = 0.03,
    athlete_hours: float = 1.5,
    repeat_minutes: float = 1.0,
    n: int = 10_000,
    seed: int = 1,
) -> Explorable:
    """Power of the paired t-test for every number of athletes and of scored repeats, and what a budget buys.

    Every athlete does both sessions, with the same number of scored repeats in each; the residual SD is .05 and
    scores are not clipped. The luck is drawn once; a move of a slider tests all experiments of all designs again.

    Parameters
    ----------
    budget : int
        Hours, 5 to 80.
    effect : float
        The smallest difference of interest, in points; its sign does not matter.
    slope_sd : float
        SD of athletes' own differences.
    athlete_hours, repeat_minutes : float
        What an athlete costs before any repeat is scored, and what each scored repeat adds.
    n : int
        Experiments simulated for every design.
    seed : int
    """
    luck = Luck.draw(n, seed)
    return Explorable(
        "10.power_map",
        lambda budget, effect, slope_sd: _map(
            luck, budget, effect, slope_sd, athlete_hours, repeat_minutes
        ),
        budget=whole("budget in hours", budget, 5, 80),
        effect=slider("smallest effect of interest", abs(effect), 0.01, 0.10, 0.01),
        slope_sd=slider("SD of athletes' own changes", slope_sd, 0, 0.10, 0.01),
    )


def _map(
    luck: Luck,
    budget: int,
    effect: float,
    slope_sd: float,
    athlete_hours: float,
    repeat_minutes: float,
) -> Drawing:
    power = luck.power(effect, slope_sd)
    n = luck.right.shape[1]
    hours = ATHLETES * (athlete_hours + 2 * REPEATS[:, None] * repeat_minutes / 60)
    # Most power for the money; of designs that are alike in that, the cheapest.
    row, column = min(
        np.argwhere(hours <= budget), key=lambda at: (-power[tuple(at)], hours[tuple(at)])
    )
    best, athletes, repeats = power[row, column], ATHLETES[column], REPEATS[row]
    fewer_athletes = power[row, np.searchsorted(ATHLETES, max(2, athletes // 2))]
    fewer_repeats = power[np.searchsorted(REPEATS, max(1, repeats // 2)), column]
    luck_error = 2 * _error(best, n)
    figure, ax = canvas(
        f"athletes ({n} simulated experiments a point, each power ± {2 * _error(0.5, n):.3f} at most)",
        "scored repeats in each session",
        height=4.2,
    )
    ax.imshow(
        power,
        origin="lower",
        aspect="auto",
        extent=(1.5, 40.5, 0.5, 60.5),
        cmap=SHADES,
        vmin=0,
        vmax=1,
    )
    ax.grid(visible=False)
    levels = [level for level in (0.5, 0.8, 0.95) if power.min() < level < power.max()]
    if levels:
        widths = [2.2 if level == 0.8 else 0.9 for level in levels]
        lines = ax.contour(ATHLETES, REPEATS, power, levels=levels, colors=INK, linewidths=widths)
        ax.clabel(lines, fmt=lambda level: f"{level:g}"[1:], fontsize=9)
    buys = (budget / ATHLETES - athlete_hours) * 30 / repeat_minutes
    ax.plot(ATHLETES, buys, color=ORANGE, linestyle="--", label=f"designs that cost {budget} hours")
    ax.plot(
        athletes,
        repeats,
        "D",
        color=ORANGE,
        markersize=9,
        markeredgecolor=INK,
        label="the most power of them",
    )
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    ax.set(xlim=(1.5, 40.5), ylim=(0.5, 60.5), xticks=[4, 10, 20, 30, 40], yticks=[5, 20, 40, 60])
    return figure, {
        "budget": budget,
        "effect": abs(effect),
        "slope_sd": slope_sd,
        "athletes": athletes,
        "repeats": repeats,
        "best": best,
        "error": luck_error,
        "fewer_athletes": fewer_athletes,
        "fewer_repeats": fewer_repeats,
    }


def _error(rate: float, n: int) -> float:
    """Monte-Carlo standard error of a rate, as `monte_carlo` gives it (Agresti & Coull 1998)."""
    adjusted = (rate * n + 2) / (n + 4)
    return float(np.sqrt(adjusted * (1 - adjusted) / n))
