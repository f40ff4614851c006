"""What the terms of the model do to scores, and what the model makes of athletes' levels and changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from fewgroups.batch import fit_many
from matplotlib.figure import Figure

from helpers.explorables.controls import Explorable, slider, whole
from helpers.figures import BLUE, GREY, INK, ORANGE, canvas, pooling
from helpers.figures.style import dots
from helpers.pushups import Design, Truth, simulate


def equation_terms() -> Explorable:
    """The same draws of luck, redrawn as the terms of the equation change."""
    return Explorable(
        "02.equation_terms",
        _equation,
        intercept=slider("β₀, level in session 20", 0.85, 0.5, 1.0, 0.01),
        effect=slider("β₁, change in session 30", -0.08, -0.2, 0.2, 0.01),
        athlete_sd=slider("SD of athletes, τ", 0.05, 0, 0.15, 0.01),
        residual_sd=slider("SD of repeats, σ", 0.05, 0, 0.15, 0.01),
    )


def _equation(**terms: float) -> tuple[Figure, dict[str, Any]]:
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


def shrinkage() -> Explorable:
    """How far an athlete's own mean is drawn towards the average of all; the other three have fifty scores."""
    return Explorable(
        "02.shrinkage",
        _shrinkage,
        repeats=whole("repeats of the last athlete", 3, 1, 50),
        athlete_sd=slider("SD of athletes, τ", 0.05, 0, 0.15, 0.01),
        residual_sd=slider("SD of repeats, σ", 0.05, 0.01, 0.15, 0.01),
    )


def _shrinkage(
    repeats: int, athlete_sd: float, residual_sd: float
) -> tuple[Figure, dict[str, Any]]:
    counts = np.array([50, 50, 50, repeats])
    kept = counts * athlete_sd**2 / (counts * athlete_sd**2 + residual_sd**2)
    means = np.array([0.08, 0.03, -0.04, -0.09])
    table = pd.DataFrame({"scores": counts, "no pooling": means, "partial": kept * means})
    figure = pooling(table.set_index(pd.Index([f"λ {share:.2f}" for share in kept])))
    figure.axes[0].set(xlim=(-0.12, 0.12), ylim=(-0.6, 3.6))
    return figure, {"repeats": repeats, "many": kept[0], "few": kept[3]}


def own_slopes() -> Explorable:
    """Athletes' own lines, and how sure of the average change two models are: own levels only, and own slopes."""
    return Explorable(
        "06.own_slopes",
        _own_slopes,
        slope_sd=slider("SD of own changes, τ₁", 0.03, 0, 0.1, 0.01),
        correlation=slider("correlation with levels, ρ", 0.0, -1, 1, 0.1),
        athletes=whole("athletes", 10, 3, 30),
        repeats=whole("repeats in the short session", 20, 2, 100),
    )


def _own_slopes(
    slope_sd: float, correlation: float, athletes: int, repeats: int
) -> tuple[Figure, dict[str, Any]]:
    # Everybody's luck is drawn for the most athletes and repeats there can be: a slider adds people and repeats, and
    # changes nothing about those who are there already.
    rng = np.random.default_rng(10)
    first, second = rng.standard_normal((2, 30))[:, :athletes]
    luck = 0.05 * rng.standard_normal((30, 2, 150))[:athletes]
    effect, long = -0.08, repeats * 3 // 2  # half as often again in the long session
    change = effect + slope_sd * (correlation * first + np.sqrt(1 - correlation**2) * second)
    lucks = [luck[:, 0, :repeats], change[:, None] + luck[:, 1, :long]]
    scores = 0.85 + 0.05 * first[:, None] + np.hstack(lucks)
    means = np.array([scores[:, :repeats].mean(axis=1), scores[:, repeats:].mean(axis=1)])
    design = Design([f"athlete {i}" for i in range(athletes)], {"short": repeats, "long": long})

    figure, (left, right) = canvas(columns=2, width_ratios=[3, 4], height=3.4)
    lines = np.vstack(
        [means, np.full(athletes, np.nan)]
    )  # one artist with gaps draws faster than thirty
    left.plot(
        [0, 1, np.nan] * athletes, lines.T.ravel(), ":o", color=BLUE, markersize=3.5, linewidth=1.2
    )
    left.plot([0, 1], means.mean(axis=1), color=ORANGE, linewidth=3)
    left.set(ylabel="mean score", ylim=(0.45, 1.1), xlim=(-0.3, 1.3))
    left.set_xticks([0, 1], ["short", "long"])
    errors = []
    for place, (slopes, colour) in enumerate([(True, ORANGE), (False, BLUE)]):
        fitted = fit_many(scores.ravel(), design, slopes=slopes)
        estimate, se = fitted.estimate[0, 1], fitted.se[0, 1]
        look = {"fmt": "os"[place], "color": colour, "capsize": 5, "linewidth": 2.4}
        right.errorbar(estimate, place, xerr=1.96 * se, **look)
        label = f"SE {se:.4f}" + (" (singular fit)" if slopes and fitted.singular[0] else "")
        right.text(estimate, place + 0.2, label, ha="center", backgroundcolor="white")
        errors.append(se)
    right.axvline(effect, color=INK, linestyle="--", linewidth=1)
    xlabel = "average change, ± 1.96 SE (dashed: truth)"
    right.set(xlabel=xlabel, xlim=(-0.2, 0.04), ylim=(-0.6, 1.7))
    right.set_yticks([0, 1], ["own slopes", "own levels\nonly"])
    values = dict(zip(("se_slopes", "se_levels"), errors, strict=True))
    return figure, values | {"athletes": athletes, "slope_sd": slope_sd}
