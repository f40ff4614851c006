"""Monte-Carlo studies of small designs: what each test does in thousands of experiments, and power for planning."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import joblib
import numpy as np
import pandas as pd
from scipy import special

from fewgroups.arguments import confidence_level, some, whole_number
from fewgroups.batch import CellStatistics, InterceptModel, SlopeModel, layout_of
from fewgroups.ddf import KenwardRoger, Satterthwaite, Wald
from fewgroups.designs import BLOCK, Design, Truth, check_request, progress_bar, simulate_many
from fewgroups.likelihood import Information
from fewgroups.structure import GroupBlock, Structure, derivatives

Array = np.ndarray
Fitted = tuple[dict[str, Array], Information]
RATES = ["rejection", "coverage", "type_s"]
COLUMNS = [*RATES, "type_m", "bias", "se", "half_width", "singular"]
# Outcomes simulated at a time, 8 MB. The chunks do not depend on the number of workers; so neither do the digits.
CHUNK_VALUES = 2**20


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
        raise ValueError("truth.residual_sd must be above 0: tests measure against it")
    names = chosen_methods(methods, design)
    n, alpha = whole_number("n", n, 1, "data sets"), 1 - confidence_level(level)
    if whole_number("workers", workers, -1, "processes") == 0:
        raise ValueError("workers must be 1 or more processes, or −1 for all; given 0")
    size = BLOCK * max(1, CHUNK_VALUES // (BLOCK * design.rows))
    starts = range(0, n, size)

    def sums_from(start: int) -> Array:
        """Over the data sets of the stream from `start` on, as many as are taken at a time: (methods, columns, 3)."""
        outcomes = simulate_many(design, truth, min(size, n - start), seed, start // BLOCK)
        data = DataSets(design, outcomes)
        return np.array([METHODS[name](data).sums(truth.effect, alpha) for name in names])

    parallel = joblib.Parallel(n_jobs=workers, return_as="generator")
    chunks = parallel(joblib.delayed(sums_from)(start) for start in starts)
    sums = sum(progress_bar(chunks, total=len(starts), unit=" chunks"))
    answered = sums[:, 0, 0].astype(int)
    for name, number in zip(names, answered, strict=True):
        if not number:
            raise ValueError(
                f"method {name!r} has no answer in any of the {n} data sets: outcomes vary too little to be tested"
            )
    table = _table(sums, pd.Index(names, name="method"), truth.effect)
    return table.assign(undefined=n - answered)


def _table(sums: np.ndarray, methods: pd.Index, effect: float) -> pd.DataFrame:
    """Means with their Monte-Carlo errors, as `monte_carlo` returns them."""
    n, total, squares = (pd.DataFrame(x, methods, COLUMNS) for x in np.moveaxis(sums, -1, 0))
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
    types = ["type_s", "type_m"] if effect else []
    shown = ["rejection", "coverage", "bias", *types, "sd", "se", "half_width"]
    columns = [f"{name}{end}" for name in shown for end in ("", "_error")]
    return mean.join(error.add_suffix("_error"))[[*columns, "singular"]]


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
    rows (outcomes in the whole study), then with their Monte-Carlo errors power, type_s, type_m, sd, se, half_width,
    and singular, undefined; see `monte_carlo`. TypeError or ValueError as there; for an effect of 0; for no design, or
    two of the same label.
    """
    labelled = _labelled(designs)
    check_request(next(iter(labelled.values())), truth, seed)
    if truth.effect == 0:
        raise ValueError("truth.effect must not be 0; monte_carlo gives rates of false positives")
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
            raise ValueError(f"designs holds two both called {label!r}; give labels in a mapping")
    return dict(pairs)


@dataclass(frozen=True)
class Answer:
    """Estimates of the effect and their t tests, one for each of n data sets. estimate, se: (n,); df: a number or (n,),
    ∞ for a z test; usable: (n,) False where the method has no answer, such as outcomes that do not vary; singular: (n,)
    of the fit behind the test, if there is one."""

    estimate: Array
    se: Array
    df: float | Array
    usable: Array
    singular: Array | None = None

    def sums(self, effect: float, alpha: float) -> Array:
        """Number, sum and sum of squares of what COLUMNS are the means of, (8, 3)."""
        usable, none = self.usable, np.empty(0)
        estimate, se = self.estimate[usable], self.se[usable]
        half_width = (-special.stdtrit(self.df, alpha / 2) * self.se)[usable]
        significant, error = np.abs(estimate) > half_width, estimate - effect
        values = [
            significant,
            np.abs(error) <= half_width,
            estimate[significant] * effect < 0,
            np.abs(estimate[significant] / effect) if effect else none,
            error,
            se,
            half_width,
            none if self.singular is None else self.singular[usable],
        ]
        return np.array([[x.size, x.sum(), np.square(x, dtype=float).sum()] for x in values])


class DataSets:
    """n data sets of one design, `outcomes` (n, rows) in the order of its table, reduced to what every method needs.
    layout: with the columns intercept and treated (all conditions but the first), so that a group has two cells at
    most; cells: their statistics; effect: (2,) what the effect weighs the coefficients of Q with, R⁻ᵀ(0, 1)ᵀ."""

    def __init__(self, design: Design, outcomes: Array) -> None:
        group, condition = design.row_index
        treated = np.column_stack([np.ones(design.rows), condition > 0])
        self.layout = layout_of(treated, group)
        self.cells = CellStatistics(self.layout, outcomes)
        self.effect = np.linalg.inv(self.layout.R)[1]

    @cached_property
    def intercept(self) -> Fitted:
        """REML fits of the model in which groups differ in level only, and the information there."""
        return self._fitted(InterceptModel(self.layout, reml=True).fit(self.cells))

    @cached_property
    def slope(self) -> Fitted:
        """Those of the model in which groups differ in level and in change."""
        return self._fitted(SlopeModel(self.layout, reml=True).fit(self.cells))

    def _fitted(self, fits: dict[str, Array]) -> Fitted:
        """The fits of the model in which the first q columns of X are random, and its structure's information there."""
        psi = np.moveaxis(fits["psi"], -1, 0)
        q, layout, R, n = psi.shape[-1], self.layout, self.layout.R, self.layout.rows
        unit = np.sqrt(self.cells.sum_of_squares(self.cells.residuals) / n)
        unit[unit == 0] = 1.0
        Zr = np.moveaxis(layout.products(self.cells.residuals / unit, layout.Q[:, :q]), -1, 0)
        changes, blocks = derivatives(-1 - np.arange(q), q, 0), []
        parts = [(kind, len(kind)) for kind in layout.kinds if len(kind) > 1]
        if alone := [kind for kind in layout.kinds if len(kind) == 1]:
            parts.append((np.concatenate(alone), 1))
        for groups, count in parts:
            gram = layout.grams[groups if count == 1 else groups[:1]]
            rows = np.insert(Zr[:, groups], 0, 1.0, axis=-1)
            if count > q + 1:
                # Their products with X are the same, and those with r enter only as sums and sums of products.
                rows = np.asarray(np.linalg.qr(rows, mode="r"))
            ZB = np.concatenate([rows[..., :1, None] * gram[:, :q], rows[..., 1:, None]], axis=-1)
            blocks.append(GroupBlock(n * gram[:, :q, :q], np.sqrt(n) * ZB, changes, count))
        BB, R_inverse, R_re = np.diag([1.0, 1.0, n]), np.linalg.inv(R), R[:q, :q] / np.sqrt(n)
        start, none = self.cells.coefficients.T, np.zeros(0)
        structure = Structure(n, 2, q, 0, tuple(blocks), BB, R_inverse, start, unit, R_re, none)
        gamma = structure.from_data_units(psi, np.zeros((len(psi), 0)))
        return fits, Information.of(structure, gamma, reml=True, scale=fits["scale"])

    def answer(self, variance: Array, df: float | Array, effect: Array | None = None) -> Answer:
        """Of a t test, of the effect by least squares or another one. A standard error as small as rounding is none."""
        if effect is None:
            effect = self.effect @ self.cells.coefficients
        se = np.sqrt(variance)
        return Answer(effect, se, df, se > 1e-12 * np.abs(self.cells.means).max(axis=0))


def pooled_t(data: DataSets) -> Answer:
    """Student's t test of all outcomes, as if every repeat were a group of its own."""
    df = data.layout.rows - 2
    variance = data.cells.sum_of_squares(data.cells.residuals) / df
    return data.answer(variance * (data.effect @ data.effect), df)


def paired_t(data: DataSets) -> Answer:
    """One-sample t test of the groups' differences; groups that missed a condition take no part."""
    second = np.flatnonzero(np.diff(data.layout.group, prepend=-1) == 0)
    differences = data.cells.means[second] - data.cells.means[second - 1]
    m = len(second)
    return data.answer(differences.var(axis=0, ddof=1) / m, m - 1, differences.mean(axis=0))


def t_on_means(data: DataSets) -> Answer:
    """Student's t test of the means of the groups, each in one condition."""
    first, other = (data.cells.means[data.layout.X[:, 1] == k] for k in (0, 1))
    df = len(first) + len(other) - 2
    squares = len(first) * first.var(axis=0) + len(other) * other.var(axis=0)
    variance = squares / df * (1 / len(first) + 1 / len(other))
    return data.answer(variance, df, other.mean(axis=0) - first.mean(axis=0))


def cluster_robust(data: DataSets, z: bool) -> Answer:
    """Least squares on all outcomes, standard error clustered by group; against z, or t with groups − 1 df. The factor
    for few clusters is the usual m/(m−1)·(N−1)/(N−2), "CR1": Stata's, and that of statsmodels' cov_type="cluster"
    (Cameron & Miller 2015, J. Human Resources 50:317)."""
    layout = data.layout
    m, rows = layout.groups, layout.rows
    weights = layout.sizes * (layout.Q @ data.effect)
    influence = layout.members @ (weights[:, None] * data.cells.residuals)
    variance = (influence**2).sum(axis=0) * m / (m - 1) * (rows - 1) / (rows - 2)
    return data.answer(variance, np.inf if z else m - 1)


def cluster_robust_cr2(data: DataSets) -> Answer:
    """The same with residuals adjusted for their leverage, "CR2", against t with Satterthwaite's df.

    With X = QR, the residuals of group i are multiplied by (I − QᵢQᵢᵀ)^(−1/2), which makes the variance unbiased if
    outcomes are independent; the df are those that it has then (Bell & McCaffrey 2002, Survey Methodology 28:169;
    Pustejovsky & Tipton 2018, J. Bus. Econ. Stat. 36:672, with generalised inverses). With every group measured alike
    in both conditions it is the paired t test.
    """
    layout = data.layout
    Q, grams = layout.Q, layout.grams
    leverages, vectors = np.linalg.eigh(grams)  # those of QᵢQᵢᵀ that are not 0
    left = np.maximum(1 - leverages, 0)
    adjust = np.divide(1, np.sqrt(left), out=np.zeros_like(left), where=left > 1e-9)
    # The estimate is Σᵢ(Qᵢa)ᵀyᵢ with `effect` as a, and (I − QᵢQᵢᵀ)^(−1/2)Qᵢa = Qᵢwᵢ.
    w = np.einsum("mab,mb,mcb,c->ma", vectors, adjust, vectors, data.effect)
    weights = layout.sizes * (Q * w[layout.group]).sum(axis=1)
    influence = layout.members @ (weights[:, None] * data.cells.residuals)
    # The variance is Σᵢ(pᵢᵀy)², and its df are (tr PᵀP)²/tr (PᵀP)², with PᵀP = diag(wᵢᵀuᵢ) − UUᵀ, uᵢ = QᵢᵀQᵢwᵢ.
    U = np.einsum("mab,mb->ma", grams, w)
    diagonal, taken = (w * U).sum(axis=1), (U**2).sum(axis=1)
    squares = (diagonal * (diagonal - 2 * taken)).sum() + ((U.T @ U) ** 2).sum()
    df = (diagonal - taken).sum() ** 2 / squares
    return data.answer((influence**2).sum(axis=0), float(df))


def mixed_t(data: DataSets, fitted: Fitted, test: type[Wald]) -> Answer:
    """The effect in a mixed model over its standard error, against t with the degrees of freedom of `test`."""
    fits, known = fitted
    found = test.of(known)
    variance = np.einsum("a,nab,b->n", data.effect, found.covariance, data.effect)
    answer = data.answer(variance, found.df(data.effect), known.beta @ data.effect)
    return replace(answer, usable=answer.usable & fits["solved"], singular=fits["singular"])


METHODS: dict[str, Callable[[DataSets], Answer]] = {
    "pooled t": pooled_t,
    "paired t": paired_t,
    "t on means": t_on_means,
    "cluster-robust z": lambda data: cluster_robust(data, z=True),
    "cluster-robust t": lambda data: cluster_robust(data, z=False),
    "cluster-robust CR2": cluster_robust_cr2,
    "intercept z": lambda data: mixed_t(data, data.intercept, Wald),
    "intercept Satterthwaite": lambda data: mixed_t(data, data.intercept, Satterthwaite),
    "intercept Kenward–Roger": lambda data: mixed_t(data, data.intercept, KenwardRoger),
    "slope z": lambda data: mixed_t(data, data.slope, Wald),
    "slope Satterthwaite": lambda data: mixed_t(data, data.slope, Satterthwaite),
    "slope Kenward–Roger": lambda data: mixed_t(data, data.slope, KenwardRoger),
}


def chosen_methods(methods: Any, design: Design) -> tuple[str, ...]:
    """The names asked for, spelt as in `METHODS`; all that the design allows when `methods` is None. TypeError or
    ValueError for no list of names, unknown or repeated ones, methods that the design does not allow."""
    lacks = _lacks(design)
    lacking = {name: lacks.get(name) or lacks.get(name.split()[0], "") for name in METHODS}
    if methods is None:
        return tuple(name for name, what in lacking.items() if not what)
    listed = isinstance(methods, Sequence) and not isinstance(methods, str)
    if not listed or not methods or not all(isinstance(name, str) for name in methods):
        raise TypeError(f"methods must be a list of one or more names, or None; given {methods!r}")
    known = {_plain(name): name for name in METHODS}
    if unknown := [name for name in methods if _plain(name) not in known]:
        raise ValueError(f"methods does not know {some(unknown)}; it knows {', '.join(METHODS)}")
    names = tuple(known[_plain(name)] for name in methods)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"methods names {name} more than once")
        if lacking[name]:
            raise ValueError(f"method {name!r} needs {lacking[name]}")
    return names


def _plain(name: str) -> str:
    return " ".join(name.replace("–", "-").casefold().split())


def _lacks(design: Design) -> dict[str, str]:
    """What each method, or each that begins with this word, needs and the design does not have, if anything."""
    w, m, rows = design.words, len(design.counts), design.rows
    measured = np.stack([design.counts[:, 0], design.counts[:, 1:].sum(axis=1)]) > 0
    both = int(measured.all(axis=0).sum())
    lacks = {}
    if rows < 3:
        lacks["pooled"] = f"three outcomes or more; the design has {rows}"
    if both < 2:
        two = f"two {w.groups} or more with outcomes in both {w.condition}s; the design has {both}"
        lacks["paired"] = lacks["slope"] = two
    if rows == measured.sum():
        lacks["slope"] = "more than one repeat in a cell, to tell slopes and residuals apart"
    if measured.sum(axis=1).min() < 2:
        lacks["cluster-robust"] = f"two {w.groups} or more in each {w.condition}"
    # An effect that shows within groups takes one of the differences within them.
    if rows - m - (both > 0) < 1:
        lacks["intercept"] = "more repeats: nothing is left to estimate the residual variance from"
    if not both and m < 3:
        three = f"three {w.groups} or more, as between=True splits them"
        lacks["intercept"] = lacks["t on means"] = three
    if both:
        lacks["t on means"] = f"every {w.group} in one {w.condition} only, as with between=True"
    return lacks
