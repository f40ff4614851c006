"""What the sentences need to know of a result: what each coefficient compares, is it an estimate, what tables say.

Coefficients compare levels with levels, or one unit more of a number. Whatever the coding of a factor (treatment, sum,
Helmert, own matrices), the coefficient of a column is a weighted sum of the means of its levels; the weights are a row
of the inverse of the coding matrix. So nothing has to be guessed from names such as `C(x)[T.b]:z`. Terms of one
variable, such as x and I(x ** 2), or the columns of a spline, are one curve, and tested together. The tests are those
of `f_tests`.
"""

import math
import re
import warnings
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from patsy import DesignInfo, Term
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.checks import check_identified, check_result
from fewgroups.components import variances
from fewgroups.ddf import SHORTFALL, examine
from fewgroups.fitting import ALARM, boundary
from fewgroups.fixed_effects import coefficients, f_tests, term_rows
from fewgroups.formulas import Names, column_of, group_column
from fewgroups.likelihood import NotAtOptimumWarning, optimum
from fewgroups.structure import Structure, random_design
from fewgroups.wording import NotedTable, clean, code, joined, say, sentences, signed

Array = np.ndarray
NEAR = 0.05  # of the range of a number: zero is as good as within it
FAR = 0.01  # log-likelihood below the optimum from which a stop is no estimate; lesson 04 counts such fits
STRAY = 0.01  # standard errors between printed coefficients and those that the printed variances call for
MOST = 8  # random-effect columns: more would take long and teach nothing
CLEARLY_ABOVE_ZERO = 0.05  # variance over residual variance that makes a warning a false alarm
# Result → its tables, worked out once for all that is said of it.
TABLES: WeakKeyDictionary[Any, dict[tuple[Any, ...], NotedTable]] = WeakKeyDictionary()


class Factor:
    """A piece of the formula: `Days`, `C(Machine)`, `np.log(x)`. variables: the columns of data it is made of;
    variable: the one that it is, or is the levels of (of `C(Machine, Sum)` it is Machine), else None; called: how
    sentences call it; levels: of a category, or the values of a number with two → their words, "the session of 30" or
    `session_high = 1`; unit: one unit of a number in words, "day without sleep"; low, high: of a number; columns: how
    many it has; reaches_zero: whether zero lies within or near its values."""

    def __init__(self, name: str, variables: Set[str], variable: str | None, values: Any) -> None:
        """values: an array (n,) or (n, k) of numbers, or the categories."""
        self.name, self.variables, self.variable = name, frozenset(variables), variable
        whose = variable or name
        self.called = code(whose)
        self.unit = say("words.unit", variable=self.called)
        transformed = re.fullmatch(r"([\w.]+)\((\w+)\)", name)
        if transformed and f"step.{transformed[1]}" in sentences():
            self.unit = say(f"step.{transformed[1]}", variable=code(transformed[2]))
        self.is_number = isinstance(values, np.ndarray)
        self.columns = values.shape[1] if np.ndim(values) == 2 else 1
        self.low = self.high = 0.0
        if self.is_number:
            values = np.unique(values).tolist()
            self.low, self.high = values[0], values[-1]
            if self.columns > 1 or len(values) != 2:
                values = []
        self.levels = {level: code(f"{whose} = {short(level)}") for level in values}
        near = NEAR * (self.high - self.low)
        self.reaches_zero = self.low <= near and self.high >= -near


def short(level: Any) -> Any:
    """A level as people write it: 1 for 1.0."""
    return int(level) if isinstance(level, float) and level == int(level) else level


class Part:
    """One factor's share in a coefficient, or the point at which others are read. weights: level → weight, of what is
    compared or mixed; none for a number. kind: "slope" (a number), "pair" (the first of `levels` minus the second),
    "within" (one level), "average" (the first level minus that of all), "even" (all alike), "coded" (no sentence can
    say it). gap: how far the two values of a number with two values lie apart; 1 for everything else."""

    def __init__(self, factor: Factor, matrix: Any, column: int | None) -> None:
        """What a column of a factor's coding compares; no column: where all of them are zero."""
        self.factor, self.gap = factor, 1.0
        self.kind = "slope" if factor.columns == 1 else "coded"
        self.weights, self.levels = dict[Any, float](), list[Any]()
        n = len(factor.levels)
        if not n:
            return
        if factor.is_number:
            self.gap = factor.high - factor.low
        if matrix is None:  # two numbers: their mixture at zero, or the change per unit
            row = np.array([factor.high, -factor.low] if column is None else [-1, 1]) / self.gap
        else:
            coding = np.asarray(matrix.matrix, dtype=float)
            k = coding.shape[1]
            if k < n:
                coding = np.column_stack([np.ones(n), coding])
            row = np.linalg.pinv(coding)[0 if column is None else column - k]
        every = zip(factor.levels, row.tolist(), strict=True)
        self.weights = {level: weight for level, weight in every if abs(weight) > 1e-9}
        self.levels = sorted(self.weights, key=lambda level: -self.weights[level])
        sizes = np.array([self.weights[level] for level in self.levels])
        if len(sizes) == 1:
            self.kind = "within"
        elif len(sizes) == 2 and np.allclose(sizes * self.gap, [1, -1]):
            self.kind = "pair"
        elif len(sizes) == n and np.allclose(sizes + 1 / n, np.arange(n) == 0):
            self.kind = "average"
        elif len(sizes) == n and np.ptp(sizes) < 1e-9:
            self.kind, self.levels = "even", list(factor.levels)[::-1]
        else:
            self.kind = "coded"

    @property
    def words(self) -> dict[str, str]:
        """What sentences may call it."""
        named = [self.factor.levels[level] for level in self.levels] or [""]
        levels = {"high": named[0], "low": named[-1], "level": named[0]}
        return {"factor": self.factor.called, "unit": self.factor.unit, **levels}

    @property
    def place(self) -> str:
        """As the zero of a coding: "for the session of 20", "where `Days` is 0"."""
        keys = {"within": "at_level", "even": "half_way" if self.factor.is_number else "at_average"}
        zero = "at_zeros" if self.factor.columns > 1 else "at_zero"
        return say(f"words.{keys.get(self.kind, zero)}", self.words)


class Coefficient:
    """One coefficient of the term `term`. parts: what it compares, and factors: of what; none for the intercept.
    places: where it is read, if other terms matter. is_mean: whether it is a mean and no difference: the intercept, or
    a level of a factor coded without one; is_plain: whether a sentence can say it; gap: what it is multiplied by to be
    a difference between values that occur."""

    def __init__(self, name: str, term: str, parts: list[Part]) -> None:
        self.name, self.term, self.parts = name, term, parts
        self.factors = [part.factor for part in parts]
        self.places = list[Part]()
        self.is_mean = all(part.kind == "within" for part in parts)
        self.is_plain = all(part.kind not in ("coded", "even") for part in parts)
        self.gap = math.prod(part.gap for part in parts) if self.is_plain else 1.0

    @property
    def where(self) -> str:
        """Its places: "for the session of 20 and where `Days` is 0"; "" if nowhere in particular."""
        plain = {place.factor.variable for place in self.places}
        # x ** 2 is 0 where x is
        told = [x for x in self.places if x.factor.variable or not x.factor.variables & plain]
        return joined([place.place for place in told])


def read_coefficients(model: Any) -> tuple[list[Coefficient], dict[str, Factor]]:
    """The coefficients of a MixedLM's fixed effects, in order, and the factors that they are made of."""
    design, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
    names = [str(name) for name in model.exog_names]
    codings: list[tuple[str, dict[str, Any]]]  # terms, and the coding matrix of each factor, if any
    if isinstance(design, DesignInfo) and isinstance(frame, pd.DataFrame):
        factors = {}
        for factor, info in design.factor_infos.items():
            read = Names.of([Term([factor])]).variables & set(map(str, frame.columns))
            values: Any = info.categories
            if info.type == "numerical":
                values = np.asarray(factor.eval(info.state, frame), dtype=float)
            made = Factor(factor.name(), read or {factor.code}, column_of(factor.code), values)
            factors[made.name] = made
        codings = [
            (term.name(), {f.name(): coding.contrast_matrices.get(f) for f in coding.factors})
            for term, several in design.term_codings.items()
            for coding in several
        ]
    else:  # from arrays: a column is a term
        columns = zip(names, np.asarray(model.exog, dtype=float).T, strict=True)
        factors = {k: Factor(k, {k}, k, x) for k, x in columns if np.ptp(x)}
        codings = [(name, {name: None} if name in factors else {}) for name in names]
    found: list[Coefficient] = []
    for term, coding in codings:
        widths = [
            factors[name].columns if matrix is None else matrix.matrix.shape[1]
            for name, matrix in coding.items()
        ]
        for reverse in product(*map(range, widths[::-1])):  # the first changes fastest
            choice = zip(coding.items(), reverse[::-1], strict=True)
            parts = [Part(factors[name], matrix, k) for (name, matrix), k in choice]
            one = Coefficient(names[len(found)], term, parts)
            places: dict[str, Part] = {}
            # Read at the zeros of what joins all of its factors in another column; a mean, at those of all others.
            wider = [x for _, x in codings if one.is_mean or coding.keys() < x.keys()]
            for name, matrix in (item for other in wider for item in other.items()):
                full = matrix is not None and matrix.matrix.shape[0] == matrix.matrix.shape[1]
                if name not in coding and not full:
                    places.setdefault(name, Part(factors[name], matrix, None))
            one.places = list(places.values())
            found.append(one)
    return found, factors


@dataclass(frozen=True)
class WholeTerm:
    """Terms that are read together. kind: "single" (one coefficient), "levels" (several, each a comparison), "coded"
    (several that no sentence can say one by one), "curve" (a spline, a polynomial). coefficients: their numbers;
    factors: its own, without repeats; partners: those that it is averaged over, none for a term that is part of no
    interaction, and at_means: whether at the mean of numbers, or at zero; rows (q, p): what is tested against zero."""

    name: str
    terms: list[str]
    kind: str
    coefficients: tuple[int, ...]
    factors: list[Factor]
    partners: list[Factor]
    at_means: bool
    rows: Array


class FittedModel:
    """A checked result with its printout: header, label → value, left column first; rows, the lower table (strings).

    model: the MixedLM; formula: nothing for a model of arrays; sizes: rows per group, by label; y (n,): the outcome;
    estimates, printed_errors (p,): coefficients as printed, nan where no error is; right_errors (p,): given the
    variances, from (XᵀV⁻¹X)⁻¹; shortfall: log-likelihood below the optimum, infinite for a search that did not end;
    short: measurably so; astray: coefficients are not those that the fit's variances call for, as after statsmodels'
    lbfgs; finished: sentences may be built on the numbers; singular: a variance is zero or a correlation ±1, relative
    to σ, and boundary: which, in words; ddf, level: of tests and intervals.

    outcome: "reaction time"; unit: " ms" or ""; one, many: ("person", "people"), and group: their column; levels_of:
    variance component → (one, many); called: coefficient, or variable that stands only inside functions (a spline) →
    words; shared: the words that many sentences need.
    """

    def __init__(
        self, result: Any, unit: Any, names: Any, ddf: str = "kenward-roger", level: float = 0.95
    ) -> None:
        """Raises as `explain` does."""
        self.result = check_result(result, converged=False)
        self.model, self.structure = self.result.model, self.result.structure
        self.coefficients, self.factors = read_coefficients(self.model)
        self._read_words(unit, names)
        self.ddf, self.level, self.percent = ddf, level, f"{100 * level:g} %"
        ended = self.result.converged and np.isfinite(self.result.llf)
        with warnings.catch_warnings():  # the sentences say it
            warnings.simplefilter("ignore")
            header, self.rows = self.result.summary().tables[:2]
            seen = examine(self.result, "wald") if ended else None
        pairs = np.vstack(np.hsplit(header.to_numpy().astype(str), 2)).tolist()
        self.header = {k.strip().removesuffix(":"): v.strip() for k, v in pairs if k.strip()}
        self.alarmed = getattr(result, "report", None) is None  # fewgroups.fit holds alarms back
        self.tables = TABLES.setdefault(getattr(result, "_results", result), {})
        self.formula = str(getattr(self.model, "formula", "") or "")
        self.reml, self.groups = bool(self.result.reml), int(self.model.n_groups)
        rows = self.model.row_indices
        self.sizes = pd.Series({str(name): len(rows[name]) for name in self.model.group_labels})
        self.y = np.asarray(self.model.endog, dtype=float)
        self.estimates = np.asarray(self.result.fe_params, dtype=float)
        self.printed_errors = np.asarray(self.result.bse_fe, dtype=float)
        self.shortfall, self.astray, self.singular, self.boundary = np.inf, False, False, ""
        if seen:
            self.shortfall, self.singular = seen.facts["shortfall"], seen.facts["singular"]
            self.right_errors = np.sqrt(np.diag(seen.found.covariance))
            off = np.abs(self.estimates - seen.found.coefficients)
            self.astray = bool(np.any(off > STRAY * self.right_errors))
            best = optimum(self.structure, self.reml)
            self.boundary = signed(joined(boundary(self.model, best, code)))
        self.short = self.shortfall > SHORTFALL
        self.finished = self.shortfall <= FAR and not self.astray

    def _read_words(self, unit: Any, names: Any) -> None:
        """Take in the reader's words; what has none keeps its name in the printout. Errors as of `explain`."""
        if unit is not None and not isinstance(unit, str):
            raise TypeError(f'unit must be text, such as "ms"; given {unit!r}')
        if names is not None and not isinstance(names, Mapping):
            raise TypeError(
                'names must be a mapping from names in the printout to your words, such as {"Days": "day without '
                f'sleep"}}; given {type(names).__name__}'
            )
        outcome, self.group = str(self.model.endog_names), group_column(self.model) or "Group"
        self.outcome, self.one, self.many = code(outcome), "group", "groups"
        self.unit = f" {clean(unit)}" if clean(unit or "") else ""
        self.levels_of, self.called = dict[str, tuple[str, str]](), dict[str, str]()
        factors: dict[str, list[Factor]] = {}
        for factor in self.factors.values():
            for alias in dict.fromkeys((factor.name, factor.variable or factor.name)):
                factors.setdefault(alias, []).append(factor)
        components = [str(name) for name in self.model.exog_vc.names]
        others = sorted({v for factor in self.factors.values() for v in factor.variables})
        others += [one.name for one in self.coefficients]
        known = dict.fromkeys([outcome, self.group, "Group", *factors, *components, *others])
        names = dict(names or {})
        if unknown := [str(name) for name in names if name not in known]:
            raise ValueError(
                f"names has no place for {', '.join(map(repr, unknown))}: this model has {', '.join(map(repr, known))}"
            )
        for name, value in names.items():
            if name == outcome:
                self.outcome = _text(name, value)
            elif name in (self.group, "Group"):
                self.one, self.many = _both(name, value)
            elif name in components:
                self.levels_of[name] = _both(name, value)
            elif name in factors:
                _name_levels(factors[name], name, value)
            else:
                self.called[name] = _text(name, value)
        self.shared = {"outcome": self.outcome, "one": self.one, "many": self.many}

    @cached_property
    def false_alarm(self) -> bool:
        """Whether statsmodels warned of a boundary on which the fit clearly is not: judged by variance over residual
        variance (both per row), never by the unit."""
        if self.singular or not self.alarmed:
            return False
        spreads = self.spreads[self.spreads["sd"].notna()].iloc[:-1]
        ratios = spreads["variance"] * self.structure.mean_squares / float(self.result.scale)
        small = spreads["variance"].min() < ALARM
        return bool(small and ratios.min() > CLEARLY_ABOVE_ZERO and spreads["low"].min() > 0)

    def _table(self, make: Callable[..., NotedTable], *key: Any, **more: Any) -> NotedTable:
        if (make, *key) not in self.tables:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotAtOptimumWarning)
                self.tables[make, *key] = make(self.result, *key, **more)
        return self.tables[make, *key]

    @property
    def fixed(self) -> NotedTable:
        """`coefficients` of the fit."""
        return self._table(coefficients, self.ddf, self.level)

    @property
    def tests(self) -> NotedTable:
        """`f_tests` of the terms, each averaged over what it interacts with, in the order of the formula."""
        order = sorted(self.terms, key=lambda term: term.coefficients)
        return self._table(f_tests, self.ddf, contrasts={term.name: term.rows for term in order})

    @property
    def spreads(self) -> NotedTable:
        """`variances` of the fit."""
        return self._table(variances, self.level)

    @cached_property
    def terms(self) -> list[WholeTerm]:
        """The terms of the formula but the intercept, those of one set of variables joined; those that are part of no
        interaction first, else in the order of the formula."""
        tests, _, at_means = term_rows(self.model)
        # A term that is coded in several pieces is made of the factors of the last: it has all.
        members = {one.term: one.factors for one in self.coefficients if one.parts}
        families: dict[frozenset[frozenset[str]], list[str]] = {}
        for term, factors in members.items():
            variables = frozenset(factor.variables for factor in factors)
            families.setdefault(variables, []).append(term)
        found = []
        for terms in families.values():
            where = tuple(k for k, one in enumerate(self.coefficients) if one.term in terms)
            mine = [self.coefficients[k] for k in where]
            factors = list(dict.fromkeys(chain(*(members[term] for term in terms))))
            rows = np.vstack([tests[term][0] for term in terms])
            if len(terms) > 1 or any(factor.columns > 1 for factor in factors):
                kind = "curve"
            elif not all(one.is_plain for one in mine):
                kind = "coded"
            else:
                kind = "single" if len(mine) == 1 else "levels"
            if len(factors) == 1 and len(mine) > 1 and all(one.is_mean for one in mine):
                mean = rows[:, where].sum(axis=1)  # no intercept: are the means equal?
                rows = rows[1:] - np.outer(mean[1:] / mean[0], rows[0])
            own = [set(members[term]) for term in terms]
            wider = [others for others in members.values() if any(x <= set(others) for x in own)]
            partners = [factor for factor in dict.fromkeys(chain(*wider)) if factor not in factors]
            name = " and ".join(terms)
            found.append(WholeTerm(name, terms, kind, where, factors, partners, at_means, rows))
        return sorted(found, key=lambda term: bool(term.partners))

    @cached_property
    def varying(self) -> Array:
        """Whether each column of X takes several values within each group (groups, p)."""
        return np.array([np.ptp(x, axis=0) > 0 for x in self.model.exog_li])

    def varies_within(self, factor: Factor) -> bool:
        """Whether a factor of the formula takes several values within some group (or there is one group only). A factor
        without a term of its own counts as one that does."""
        alone = [set(one.factors) == {factor} for one in self.coefficients]
        return bool(self.groups == 1 or not any(alone) or self.varying[:, alone].any())

    @cached_property
    def slopes_left_out(self) -> dict[tuple[int, ...], Structure]:
        """Coefficients (their numbers) of each effect that lacks a random slope → the structure of the model with it.
        It lacks one if its predictor varies within groups, no random effect lets it differ, and the data could tell.
        Curves are left alone. Where an effect within groups differs between kinds of groups, its slope is that of the
        effect."""
        model, found = self.model, {}
        alone = [set(term.factors) for term in self.terms]
        for term in self.terms if self.groups > 2 else ():
            inside = {factor for factor in term.factors if self.varies_within(factor)}
            if term.kind == "curve" or (inside != set(term.factors) and inside in alone):
                continue
            varying = self.varying[:, term.coefficients].sum(axis=1)
            slopes = np.asarray(model.exog, dtype=float)[:, term.coefficients]
            if varying.max() == 1:  # nested: only one of them varies in a group
                slopes = slopes.sum(axis=1, keepdims=True)
            base = np.asarray(model.exog_re) if model.k_re else np.ones((len(slopes), 1))
            Z = np.column_stack([base, slopes])
            if Z.shape[1] > MOST or not varying.any() or _covered(model, term.coefficients):
                continue
            with suppress(ValueError, np.linalg.LinAlgError):  # where the data cannot tell
                made = MixedLM(model.endog, model.exog, model.groups, Z, exog_vc=model.exog_vc)
                structure = Structure.of(made)
                check_identified(made, structure)
                found[term.coefficients] = structure
        return found


def _covered(model: MixedLM, where: tuple[int, ...]) -> bool:
    """Whether random effects (with the group's level) already reproduce the columns within every group."""
    columns = np.asarray(model.exog_re).T if model.k_re else ()
    left = [k for k in where if not any(np.array_equal(model.exog[:, k], z) for z in columns)]
    for g, x in enumerate(model.exog_li if left else ()):
        wanted, Z = x[:, left], np.column_stack([np.ones(len(x)), random_design(model, g)[0]])
        rest = wanted - Z @ np.linalg.lstsq(Z, wanted, rcond=None)[0]
        if np.max(np.abs(rest)) > 1e-8 * max(1.0, float(np.max(np.abs(wanted)))):
            return False
    return True


def _name_levels(factors: list[Factor], name: str, value: Any) -> None:
    """Words for the levels of the factors that have levels, or for one unit of those that have none."""
    with_levels = isinstance(value, Mapping)
    fitting = [factor for factor in factors if bool(factor.levels) == with_levels]
    if not fitting:
        needed = "be text: what one unit of it is (a number with many values)"
        if not with_levels:
            levels = ", ".join(f"{short(level)!r}: ..." for level in factors[0].levels)
            needed = f"say what its values are, as a mapping: {{{levels}}}"
        raise TypeError(f"names[{name!r}] must {needed}; given {value!r}")
    for factor in fitting:
        if not with_levels:
            factor.unit = re.sub(r"^(a|an|one|each)\s+", "", _text(name, value))
        for given, text in value.items() if with_levels else ():
            same = [x for x in factor.levels if x == given or str(x) == str(given)]
            if not same:
                shown = ", ".join(repr(short(level)) for level in factor.levels)
                raise ValueError(f"names[{name!r}] has no level {given!r}: its levels are {shown}")
            factor.levels[same[0]] = _text(f"{name}, {given}", text)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not clean(value):
        raise TypeError(f"names[{name!r}] must be a few words of text; given {value!r}")
    return clean(value)


def _both(name: str, value: Any) -> tuple[str, str]:
    """("person", "people"); one word alone gets an s."""
    pair = (value, f"{value.rstrip()}s") if isinstance(value, str) else value
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise TypeError(
            f'names[{name!r}] must be a word, or one and many of them, such as ("person", "people"); given {value!r}'
        )
    return _text(name, pair[0]), _text(name, pair[1])
