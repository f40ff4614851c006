"""What the terms of the model do to scores, and what the model does to athletes' means."""

from __future__ import annotations

import numpy as np

from helpers.designs import Design, Truth
from helpers.figures import BLUE, GREY, INK, ORANGE, PALETTE, canvas
from helpers.simulation import simulate

from .controls import Drawing, Explorable, slider, whole


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
        intercept=slider("β₀, level in session 20", intercept, 0.5, 1.0, 0.01),
        effect=slider("β₁, change in session 30", effect, -0.2, 0.2, 0.01),
        athlete_sd=slider("SD of athletes, τ", athlete_sd, 0, 0.15, 0.01),
        residual_sd=slider("SD of repeats, σ", residual_sd, 0, 0.15, 0.01),
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
        repeats=whole("repeats of the last athlete", repeats, 1, 50),
        athlete_sd=slider("SD of athletes, τ", athlete_sd, 0, 0.15, 0.01),
        residual_sd=slider("SD of repeats, σ", residual_sd, 0.01, 0.15, 0.01),
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
