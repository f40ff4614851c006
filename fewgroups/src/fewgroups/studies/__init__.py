"""Monte-Carlo studies of small designs: what each test does in thousands of experiments, and power for planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import joblib
import numpy as np
import pandas as pd
from scipy import special

from fewgroups.arguments import confidence_level, whole_number
from fewgroups.designs import BLOCK, Design, Truth, check_request, simulate_blocks
from fewgroups.progress import progress_bar
from fewgroups.studies.methods import METHODS, Answer, DataSets, chosen_methods

CHUNK_VALUES = 2**20
"""Outcomes simulated at a time, 8 MB. The chunks do not depend on the number of workers; so neither do the digits."""


def monte_carlo(
    design: Design,
    truth: Truth,
    methods: Sequence[str] | None = None,
    n: int = 10_000,
    *,
    seed: int,
    level: float = 0.95,
    workers: int = 1,
) -> pd.DataFrame:
    """Simulate n data sets, test the effect in each of them by every method, and count.

    design, truth: what is measured, and what data are simulated from. `truth.effect` is the true effect: 0 makes
        `rejection` the rate of false positives, another value makes it the power. It is what is added before outcomes
        are clipped: where clipping bites, it shows as bias and lost coverage. Dropout and unequal repeats are the
        design's. With three conditions or more, the effect is that of all others against the first.
    methods: list of "pooled t" (all outcomes, groups ignored); "paired t" (the groups' differences of means); "t on
        means" (of groups in one condition each); "cluster-robust z", "cluster-robust t" (groups − 1 df),
        "cluster-robust CR2" (adjusted, with Satterthwaite's df); "intercept z", "intercept Satterthwaite", "intercept
        Kenward–Roger" (random-intercept model, REML); "slope z", "slope Satterthwaite" (as lmerTest, singular fits
        included), "slope Kenward–Roger" (random intercepts and slopes, correlated). A plain hyphen and any case will
        do. All that the design allows, when left out.
    n, seed: whole numbers; data sets are those of `simulate_many(design, truth, n, seed)`, some thousands at a time.
    level: of the intervals; the tests are at 1 − level.
    workers: processes, by joblib; −1 for as many as the machine has. `with joblib.parallel_config(backend="dask")`
        sends the work to a Dask cluster. The figures have the same digits whoever computes them.

    Returns a DataFrame, a row per method, and next to each column the Monte-Carlo standard error in `…_error`:
        rejection (of "no effect"), coverage (of the true effect), bias (mean estimate − true effect), type_s (share of
        significant estimates of the wrong sign) and type_m (mean size of significant estimates over the true one),
        both of Gelman & Carlin (2014, Perspect. Psychol. Sci. 9:641), absent without an effect and NaN when nothing was
        significant; sd (of the estimates: the true standard error), se (mean estimated standard error), half_width
        (mean, of the intervals). singular: share of singular fits, NaN where nothing is fitted. undefined: number of
        data sets in which the method has no answer (outcomes that do not vary, a fit that cannot be had); all other
        columns leave them out.

    TypeError or ValueError names the argument, what was given and what would do: also a method that the design does not
    allow, a truth without residual spread (residual_sd=0), a method without an answer in any data set.
    """
    check_request(design, truth, seed)
    if truth.residual_sd == 0:
        raise ValueError(
            "truth.residual_sd must be above 0: a test needs a spread to measure against"
        )
    names = chosen_methods(methods, design)
    n, alpha = whole_number("n", n, 1, "data sets"), 1 - confidence_level(level)
    if whole_number("workers", workers, -1, "processes") == 0:
        raise ValueError("workers must be 1 or more processes, or −1 for all; given 0")
    size = BLOCK * max(1, CHUNK_VALUES // (BLOCK * design.rows))
    starts = range(0, n, size)

    def sums_from(start: int) -> np.ndarray:
        """Over the data sets of the stream from `start` on, as many as are taken at a time: (methods, columns, 3)."""
        outcomes = simulate_blocks(design, truth, min(size, n - start), seed, start // BLOCK)
        data = DataSets(design, outcomes)
        return np.array([_sums(METHODS[name](data), truth.effect, alpha) for name in names])

    parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
    chunks = parallel(joblib.delayed(sums_from)(start) for start in starts)
    sums = sum(progress_bar(chunks, total=len(starts), unit=" chunks"))
    for name, answered in zip(names, sums[:, 0, 0], strict=True):
        if not answered:
            raise ValueError(
                f"method {name!r} has no answer in any of the {n} data sets: the outcomes that truth "
                "gives do not vary enough to be tested"
            )
    return _table(sums, pd.Index(names, name="method"), truth.effect)


RATES, MEANS = ["rejection", "coverage", "type_s"], ["bias", "type_m", "se", "half_width"]


def _sums(answer: Answer, effect: float, alpha: float) -> np.ndarray:
    """Number, sum and sum of squares of what RATES, MEANS, "singular" and "undefined" are the means of, (9, 3)."""
    usable, none = answer.usable, np.full(answer.usable.shape, np.nan)
    estimate, se = np.where(usable, answer.estimate, np.nan), np.where(usable, answer.se, np.nan)
    half_width = -special.stdtrit(answer.df, alpha / 2) * se
    significant, error = np.abs(estimate) > half_width, estimate - effect
    rows = [
        np.where(usable, significant, np.nan),
        np.where(usable, np.abs(error) <= half_width, np.nan),
        np.where(significant, estimate * effect < 0, np.nan),
        error,
        np.where(significant, np.abs(estimate / effect), np.nan) if effect else none,
        se,
        half_width,
        none if answer.singular is None else answer.singular,
        ~usable,
    ]
    values = np.array(rows, dtype=float)
    there = ~np.isnan(values)
    values[~there] = 0
    return np.stack([there.sum(axis=1), values.sum(axis=1), (values**2).sum(axis=1)], axis=1)


def _table(sums: np.ndarray, methods: pd.Index, effect: float) -> pd.DataFrame:
    """The table that `monte_carlo` returns."""
    columns = [*RATES, *MEANS, "singular", "undefined"]
    n, total, squares = (pd.DataFrame(x, methods, columns) for x in np.moveaxis(sums, -1, 0))
    n = n.where(n > 0)
    mean = total / n
    variance = (squares - total * mean).clip(lower=0) / (n - 1).where(n > 1)
    # The error of a rate of 0 or 1 is not 0: two successes and two failures are added before it is computed
    # (Agresti & Coull 1998, Am. Stat. 52:119). With thousands of data sets this changes nothing else.
    adjusted = (total + 2) / (n + 4)
    variance[RATES] = (adjusted * (1 - adjusted))[RATES]
    error = np.sqrt(variance / n)
    mean["sd"] = np.sqrt(variance["bias"])
    error["sd"] = mean["sd"] / np.sqrt(2 * n["bias"] - 2)
    both = ["type_s", "type_m"] if effect else []
    table: dict[str, pd.Series] = {}
    for name in ["rejection", "coverage", "bias", *both, "sd", "se", "half_width"]:
        table |= {name: mean[name], f"{name}_error": error[name]}
    undefined = total["undefined"].astype(int)
    return pd.DataFrame(table | {"singular": mean["singular"], "undefined": undefined})


def power(
    designs: Mapping[str, Design] | Sequence[Design] | Design,
    truth: Truth,
    methods: Sequence[str] | None = None,
    n: int = 10_000,
    *,
    seed: int,
    level: float = 0.95,
    workers: int = 1,
) -> pd.DataFrame:
    """Power and precision of each design, by simulation.

    designs: mapping of label to Design; a list of designs, which get labels such as "4 groups, 20 + 30 repeats"; one.
    truth: with an effect other than 0: the smallest one of interest.
    methods, n, seed, level, workers: as in `monte_carlo`. Every design is simulated from the same seed: its figures are
        those that `monte_carlo(design, truth, methods, n, seed=seed)` gives, whatever else is in the grid.

    Returns a DataFrame, a row per design and method: design, method, groups (or the word of the first design for them),
    rows (outcomes in the whole study), then with their Monte-Carlo errors power, type_s, type_m, sd (the true standard
    error), se, half_width, and singular, undefined; see `monte_carlo`.

    TypeError or ValueError as from `monte_carlo`; for an effect of 0; for no design, or two of the same label.
    """
    labelled = _labelled(designs)
    check_request(next(iter(labelled.values())), truth, seed)
    if truth.effect == 0:
        raise ValueError(
            "truth.effect must not be 0; monte_carlo gives the rate of false positives"
        )
    groups = next(iter(labelled.values())).words.groups
    tables = {}
    for label, design in labelled.items():
        try:
            table = monte_carlo(design, truth, methods, n, seed=seed, level=level, workers=workers)
        except ValueError as error:
            raise ValueError(f"design {label!r}: {error}") from None
        table.insert(0, groups, len(design.group_names))
        table.insert(1, "rows", design.rows)
        tables[label] = table.drop(columns=["coverage", "coverage_error", "bias", "bias_error"])
    table = pd.concat(tables, names=["design"]).reset_index()
    return table.rename(columns={"rejection": "power", "rejection_error": "power_error"})


def design_grid(
    groups: Sequence[int],
    repeats: Sequence[int | Mapping[str, int]],
    between: bool = False,
    kind: type[Design] = Design,
) -> dict[str, Design]:
    """Designs of every number of groups with every number of repeats, by label, for `power`.

    groups: list of int; repeats: list of mappings of condition to repeats, as in `Design`, or of numbers k, which stand
    for k in each of two conditions; between: as in `Design`; kind: `Design`, or a subclass with words of its own.

    TypeError or ValueError for what is no list, two designs of the same label, or what `Design` refuses.
    """
    for name, values in ((kind.words.groups, groups), ("repeats", repeats)):
        if isinstance(values, (str, Mapping)) or not isinstance(values, Sequence) or not values:
            raise TypeError(f"{name} must be a list with one entry or more; given {values!r}")
    first, second = (f"{kind.words.condition}_{k}" for k in (1, 2))
    mappings = [row if isinstance(row, Mapping) else {first: row, second: row} for row in repeats]
    return _labelled([kind(m, row, between) for m in groups for row in mappings])


def _labelled(designs: Any) -> dict[str, Design]:
    listed = designs if isinstance(designs, (list, tuple)) else [designs]
    pairs: list[tuple[Any, Any]] = [(getattr(one, "label", None), one) for one in listed]
    if isinstance(designs, Mapping):
        pairs = list(designs.items())
    if not all(isinstance(label, str) and isinstance(one, Design) for label, one in pairs):
        raise TypeError(
            f"designs must be a Design, a list of them or a mapping of text labels to them; given {designs!r}"
        )
    if not pairs:
        raise ValueError("designs must hold one design or more; given none")
    labels = [label for label, _ in pairs]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(
                f"designs holds two that are both called {label!r}; give a mapping with labels of your own"
            )
    return dict(pairs)
