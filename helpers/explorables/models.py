"""What the terms of the model do to scores, and what the model makes of athletes' levels and changes."""

from __future__ import annotations

import numpy as np
from fewgroups.batch import fit_many
from fewgroups.designs import Design, Truth
from fewgroups.simulation import simulate

from helpers.explorables.controls import Drawing, Explorable, slider, whole
from helpers.figures import BLUE, GREY, INK, ORANGE, PALETTE, canvas


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
        "02.equation_terms",
        lambda **terms: _equation(Truth(clip=False, **terms), seed),
        intercept=slider("β₀, level in session 20", intercept, 0.5, 1.0, 0.01),
        effect=slider("β₁, change in session 30", effect, -0.2, 0.2, 0.01),
        athlete_sd=slider("SD of athletes, τ", athlete_sd, 0, 0.15, 0.01),
        residual_sd=slider("SD of repeats, σ", residual_sd, 0, 0.15, 0.01),
    )


def _equation(truth: Truth, seed: int) -> Drawing:
    table = simulate(Design(), truth, seed)
    figure, ax = canvas("repeats, athlete by athlete", "score")
    place = np.arange(len(table))
    for high, colour, marker in [(0, BLUE, "o"), (1, ORANGE, "s")]:
        here = (table["session_high"] == high).to_numpy()
        ax.plot(
            place[here],
            table["correctness"][here],
            marker,
            color=colour,
            markersize=3.5,
            markeredgewidth=0,
        )
    mean = truth.intercept + truth.effect * table["session_high"]
    ax.step(place, mean, where="mid", color=GREY, linewidth=1.2)
    ax.set_xticks(25 + 50 * np.arange(4), list(dict.fromkeys(table["athlete_id"])))
    ax.set_ylim(0.4, 1.2)
    terms = ("intercept", "effect", "athlete_sd", "residual_sd")
    return figure, {name: getattr(truth, name) for name in terms}


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
        "02.shrinkage",
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
        "deviation from the average athlete",
        "",
        height=2.8,
    )
    for i, (mean, pull) in enumerate(zip(own, factor, strict=True)):
        ax.annotate(
            "",
            (mean * pull, 3 - i),
            (mean, 3 - i),
            arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5},
        )
        ax.plot(
            mean, 3 - i, "o", color=PALETTE[0], markersize=8, label="own mean" if i == 0 else None
        )
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
        range(4),
        [f"{n} scores, λ {pull:.2f}" for n, pull in zip(counts[::-1], factor[::-1], strict=True)],
    )
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure, {"repeats": repeats, "many": factor[0], "few": factor[3]}


def own_slopes(
    slope_sd: float = 0.03,
    correlation: float = 0.0,
    athletes: int = 10,
    repeats: int = 20,
    seed: int = 10,
) -> Explorable:
    """Athletes' own lines, and how sure of the average change two models are: own levels only, and own slopes.

    Parameters
    ----------
    slope_sd, correlation : float
        As in `Truth`.
    athletes, repeats : int
        Who is measured, and how often in the short session; half as often again in the long one.
    seed : int
        Fixes the luck.
    """
    return Explorable(
        "06.own_slopes",
        lambda **values: _own_slopes(**values, seed=seed),
        slope_sd=slider("SD of own changes, τ₁", slope_sd, 0, 0.1, 0.01),
        correlation=slider("correlation with levels, ρ", correlation, -1, 1, 0.1),
        athletes=whole("athletes", athletes, 3, 30),
        repeats=whole("repeats in the short session", repeats, 2, 100),
    )


def _own_slopes(
    slope_sd: float, correlation: float, athletes: int, repeats: int, seed: int
) -> Drawing:
    # Everybody's luck is drawn for the most athletes and repeats there can be: a slider adds people and repeats, and
    # changes nothing about those who are there already.
    rng = np.random.default_rng(seed)
    first, second = rng.standard_normal((2, 30))[:, :athletes]
    luck = 0.05 * rng.standard_normal((30, 2, 150))[:athletes]
    effect, long = -0.08, repeats * 3 // 2
    change = effect + slope_sd * (correlation * first + np.sqrt(1 - correlation**2) * second)
    scores = (
        0.85
        + 0.05 * first[:, None]
        + np.hstack([luck[:, 0, :repeats], change[:, None] + luck[:, 1, :long]])
    )
    means = np.column_stack([scores[:, :repeats].mean(axis=1), scores[:, repeats:].mean(axis=1)])
    design = Design([f"athlete {i}" for i in range(athletes)], {"short": repeats, "long": long})
    figure, (left, right) = canvas(
        columns=2,
        width_ratios=[3, 4],
        height=3.4,
    )
    left.plot([0, 1], means.T, ":o", color=BLUE, markersize=3.5, linewidth=1.2)
    left.plot([0, 1], means.mean(axis=0), color=ORANGE, linewidth=3)
    left.set(ylabel="mean score", ylim=(0.45, 1.1), xlim=(-0.3, 1.3))
    left.set_xticks([0, 1], ["short", "long"])
    errors = []
    for place, slopes in enumerate([True, False]):
        fitted = fit_many(scores.ravel(), design, slopes=slopes)
        estimate, se = fitted.estimate[0, 1], fitted.se[0, 1]
        colour, singular = (ORANGE, BLUE)[place], slopes and fitted.singular[0]
        right.errorbar(
            estimate, place, xerr=1.96 * se, fmt="os"[place], color=colour, capsize=5, linewidth=2.4
        )
        label = f"SE {se:.4f}" + (" (singular fit)" if singular else "")
        right.text(estimate, place + 0.2, label, ha="center", backgroundcolor="white")
        errors.append(se)
    right.axvline(effect, color=INK, linestyle="--", linewidth=1)
    right.set(
        xlabel="average change, ± 1.96 SE (dashed: truth)", xlim=(-0.2, 0.04), ylim=(-0.6, 1.7)
    )
    right.set_yticks([0, 1], ["own slopes", "own levels\nonly"])
    values = dict(zip(("se_slopes", "se_levels"), errors, strict=True))
    return figure, {"athletes": athletes, "slope_sd": slope_sd, **values}
