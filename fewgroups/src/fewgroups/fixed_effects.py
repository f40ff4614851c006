"""What may be said about the fixed effects: coefficients, contrasts and F tests, with df that fit the design."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from patsy import DesignInfo, EvalFactor, ModelDesc, NAAction, PatsyError, Term, dmatrix
from patsy.categorical import categorical_to_int
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import confidence_level, number_array
from fewgroups.checks import check_result
from fewgroups.ddf import Wald, examine
from fewgroups.likelihood import Information
from fewgroups.wording import NotedTable, noted_table, p_is, say, useful_decimals

Array = np.ndarray
Rows = dict[str, tuple[Array, Array]]


def coefficients(
    result: Any, ddf: str = "kenward-roger", level: float = 0.95, contrasts: Any = None
) -> NotedTable:
    """Coefficients of a mixed model, or contrasts of them, with degrees of freedom that fit the design.

    result: a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit), any re_formula and vc_formula, REML or ML.
    ddf: "kenward-roger" (the default: of the three, the one that is not liberal with few groups), "satterthwaite", or
        "wald" (z, as statsmodels prints it: the variances taken as known).
    level: coverage of the interval, between 0 and 1.
    contrasts: None for every coefficient. Or weighted sums of the p coefficients, a mapping from names to any of: a
        mapping {"Machine[T.C]": 1, "Machine[T.B]": -1} from terms to weights (terms that are left out weigh nothing),
        an array (p,), a string "Machine[T.C] = Machine[T.B]". Or one such string; an array (p,) or (q, p), each row a
        contrast; a DataFrame with a row per contrast and a column per term.

    Returns a DataFrame, one row per term or contrast (index `term`), columns estimate, se, df, t, p, low, high;
    estimates in units of the outcome per unit of the predictor, t and p against zero (or the value in the contrast's
    string). Standard errors are roots of (XᵀV⁻¹X)⁻¹, for Kenward–Roger with its adjustment. The values are exact, only
    the display is rounded. `.notes` holds what must be known besides: a REML refit, a singular fit and its price, the
    paired t-test where the design is balanced. `.attrs`: method, singular, refitted, shortfall (log-likelihood below
    the optimum), level, paired (term → t, df, p).

    TypeError for anything but a fitted MixedLM; ValueError for fits from which nothing can be concluded (not converged,
    one group, groups that are rows), an unknown method, a level outside (0, 1), contrasts that do not fit the model.
    NotAtOptimumWarning when the fit ended below the optimum.

    Sources: Satterthwaite 1946; Kenward & Roger 1997; in full, with the equations, in `fewgroups.ddf`. The numbers
    agree with those of R's lmerTest and pbkrtest."""
    confidence_level(level)
    plain = check_result(result)
    names = [str(name) for name in plain.model.exog_names]
    every = dict(zip(names, np.eye(len(names)), strict=True))
    wanted = read_contrasts(every if contrasts is None else contrasts, names)
    for label, (weights, _) in wanted.items():
        if len(weights) != 1:
            raise ValueError(
                f"contrast {label!r} has {len(weights)} rows: f_tests tests them together; here each needs its own name"
            )
    fit = examine(plain, ddf)
    rows, nulls = map(np.concatenate, zip(*wanted.values(), strict=True))
    columns = judged(fit.found, fit.method, rows, nulls, level)
    paired = paired_tests(plain.model, fit.found) if contrasts is None else {}
    notes = fit.notes + [
        say("coefficients.paired", term=term, df=str(df), t=f"{t:.3f}", p=p_is(p))
        for term, (t, df, p) in paired.items()
    ]
    places = useful_decimals(float(columns["se"].min()))
    decimals = dict.fromkeys(["estimate", "se", "low", "high"], places) | {"df": 2, "t": 3, "p": -1}
    table = noted_table(columns, pd.Index(wanted, name="term"), notes, decimals)
    table.attrs |= fit.facts | {"level": level, "paired": paired}
    return table


def judged(
    found: Information, method: Wald, weights: Array, nulls: Array, level: float
) -> dict[str, Any]:
    """estimate, se, df, t, p, low, high (m,) of weighted sums of the coefficients, weights (m, p), against `nulls`."""
    rows = found.rows(weights)
    estimate = rows @ found.beta
    se = np.sqrt(np.einsum("ia,ab,ib->i", rows, method.covariance, rows))
    df = np.array([method.df(row) for row in rows])
    t = (estimate - nulls) / se
    half_width = stats.t.ppf((1 + level) / 2, df) * se
    answer = {"estimate": estimate, "se": se, "df": df, "t": t, "p": 2 * stats.t.sf(np.abs(t), df)}
    return answer | {"low": estimate - half_width, "high": estimate + half_width}


def f_tests(result: Any, ddf: str = "kenward-roger", contrasts: Any = None) -> NotedTable:
    """F tests of the terms of a mixed model, or of contrasts with one or several rows each.

    result, ddf: as in `coefficients`.
    contrasts: None for every term of the formula but the intercept; or as in `coefficients`, and with several rows:
        name → array (q, p), or a string "Machine[T.B] = 0, Machine[T.C] = 0".

    Returns a DataFrame (index `term`), columns F, num_df, den_df, p. Satterthwaite: Fai & Cornelius 1996 (J. Stat.
    Comput. Simul. 54:363). Kenward & Roger 1997: F is scaled as there. Wald: χ²/q, infinite denominator. Errors and
    warnings as in `coefficients`.

    A term is tested given the others. One that is part of an interaction is averaged over the levels of the factors
    with which it interacts, each level counting alike, and taken at the mean of the numbers, so that neither the coding
    of factors nor the zero of a predictor matters: lmerTest's "type III" where numbers are centred. A note says so. For
    other hypotheses give contrasts."""
    plain = check_result(result)
    if contrasts is None:
        wanted, remarks, _ = term_rows(plain.model)
    else:
        wanted, remarks = read_contrasts(contrasts, list(plain.model.exog_names)), []
    if not wanted:
        raise ValueError("the formula has no term besides the intercept: there is nothing to test")
    fit = examine(plain, ddf)
    tests = []
    for weights, null in wanted.values():
        rows = fit.found.rows(weights)
        tests.append(fit.method.test(rows, rows @ fit.found.beta - null))
    F, num, den = (np.array(numbers) for numbers in zip(*tests, strict=True))
    p = np.where(np.isinf(den), stats.chi2.sf(F * num, num), stats.f.sf(F, num, den))
    columns = {"F": F, "num_df": num, "den_df": den, "p": p}
    notes, decimals = fit.notes + remarks, {"F": 3, "den_df": 2, "p": -1}
    table = noted_table(columns, pd.Index(wanted, name="term"), notes, decimals)
    table.attrs |= fit.facts
    return table


def term_rows(model: MixedLM) -> tuple[Rows, list[str], bool]:
    """Name of each term → the rows (q, p) of its hypothesis, the intercept left out; notes on what they are about; and
    whether numbers are taken at their mean, or at zero. Within an interaction a term is tested by the coefficients that
    it has when factors are coded to sum to zero and numbers centred."""
    X = np.asarray(model.exog, dtype=float)
    unit = np.eye(X.shape[1])
    design, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
    if not isinstance(design, DesignInfo) or not isinstance(frame, pd.DataFrame):
        names = [str(name) for name in model.exog_names]  # from arrays: a column is a term
        varying = np.flatnonzero(np.ptp(X, axis=0))
        return {names[k]: (unit[[k]], np.zeros(1)) for k in varying}, [], True
    terms = [term for term in design.terms if term.factors]
    partners: dict[Term, set[Any]] = {}  # the factors with which each term interacts
    for term in terms:
        wider = [set(t.factors) for t in terms if set(term.factors) < set(t.factors)]
        partners[term] = set().union(*wider) - set(term.factors)
    met = set().union(*partners.values())
    notes, centred, at_means = [], unit, True
    if met:
        centred, means, at_means = _centred(X, design, frame)
        points = []
        for factor in [factor for factor in means if factor in met]:
            value = f" ({means[factor]:.4g})" if np.ndim(means[factor]) == 0 else ""
            given = {"name": factor.name(), "value": value}
            points.append(say("f_tests.mean" if at_means else "f_tests.zero", given))
        how = [say("f_tests.averaged")] if met - set(means) else []
        if points:
            how.append(say("f_tests.at", points=", ".join(points)))
        notes.append(say("f_tests.interactions", how=" and ".join(how)))
    tests = {}
    for term in terms:
        rows = (centred if partners[term] else unit)[design.term_slices[term]]
        if len(rows):
            tests[term.name()] = rows, np.zeros(len(rows))
    return tests, notes, at_means


def _centred(
    X: Array, design: DesignInfo, frame: pd.DataFrame
) -> tuple[Array, dict[Any, Array], bool]:
    """D (p, p), with Dβ the coefficients of the model whose factors are coded to sum to zero and whose numbers are
    centred; the mean of each number; and whether they could be centred, or are left as they are."""
    columns: dict[str, Any] = {}
    means: dict[Any, Array] = {}
    code: dict[Any, EvalFactor] = {}
    for k, (factor, info) in enumerate(design.factor_infos.items()):
        values, name = factor.eval(info.state, frame), f"f{k}"
        if info.type == "categorical":
            codes = categorical_to_int(values, info.categories, NAAction("raise"))
            columns[name] = pd.Categorical.from_codes(codes, range(len(info.categories)))
            code[factor] = EvalFactor(f"C({name}, Sum)")
        else:
            columns[name] = values = np.asarray(values, dtype=float)
            mean, spread = values.mean(axis=0), np.ptp(values, axis=0)
            means[factor] = np.where(np.abs(mean) < 1e-12 * spread, 0.0, mean)  # rounding
            code[factor] = EvalFactor(name)
    terms = ModelDesc([], [Term([code[f] for f in term.factors]) for term in design.terms])
    # Without its lower terms an interaction of centred numbers is another model: then numbers are left as they are.
    for centre in (True, False):
        shifts = {code[factor].code: centre * mean for factor, mean in means.items()}
        data = columns | {name: columns[name] - shift for name, shift in shifts.items()}
        other = np.asarray(dmatrix(terms, data), dtype=float)
        D = np.linalg.lstsq(other, X, rcond=None)[0]
        if np.allclose(other @ D, X, rtol=0, atol=1e-8 * np.abs(X).max()):
            break
    return D, means, centre


def read_contrasts(contrasts: Any, terms: Sequence[str]) -> Rows:
    """Name → (rows (q, p), null values (q,)), one entry per contrast as `coefficients` describes them, here with one or
    more rows each; `terms`: names of the p coefficients."""
    if isinstance(contrasts, pd.DataFrame):
        contrasts = contrasts.to_dict("index")
    elif isinstance(contrasts, str):
        contrasts = {contrasts: contrasts}
    elif not isinstance(contrasts, Mapping) and np.ndim(contrasts) == 1:
        contrasts = {"contrast": contrasts}
    elif not isinstance(contrasts, Mapping):
        contrasts = {f"contrast {k}": row for k, row in enumerate(contrasts, 1)}
    if not contrasts:
        raise ValueError("contrasts is empty: give name → weights, or None for every coefficient")
    known, found = f"the terms are {', '.join(terms)}", {}
    for label, value in contrasts.items():
        what, nulls = f"contrast {label!r}", 0.0
        if isinstance(value, Mapping):
            unknown = [str(name) for name in value if name not in terms]
            if unknown:
                raise ValueError(f"{what} names {', '.join(unknown)}, but {known}")
            value = [value.get(name, 0.0) for name in terms]
        elif isinstance(value, str):
            try:
                with np.errstate(all="ignore"):
                    constraint = DesignInfo(terms).linear_constraint(value)
            except (PatsyError, IndexError) as error:  # IndexError: nothing but spaces
                reason = getattr(error, "message", "it is empty")
                raise ValueError(f"{what}: {value!r} cannot be read ({reason}); {known}") from None
            value, nulls = constraint.coefs, constraint.constants[:, 0]
        rows = number_array(what, value, "numbers, a weight for each coefficient")
        rows = np.atleast_2d(rows).astype(float)
        if rows.ndim != 2 or rows.shape[1] != len(terms):
            raise ValueError(
                f"{what} has {rows.shape[-1]} weights, but the model has {len(terms)} coefficients: {known}"
            )
        if not np.all(np.isfinite(rows)) or not np.all(np.isfinite(nulls)):
            raise ValueError(f"{what} has a number that is missing or infinite: {rows} = {nulls}")
        if np.linalg.matrix_rank(rows) < len(rows):
            raise ValueError(f"{what}: its rows are zero or repeat one another; leave these out")
        found[str(label)] = rows, np.zeros(len(rows)) + nulls
    return found


def paired_tests(model: MixedLM, found: Information) -> dict[str, tuple[float, int, float]]:
    """Term → (t, df, p) of the paired t-test on group means, for each two-level predictor of a balanced design: both
    levels within every group, each equally often in all groups, and the mean difference of the groups' means is the
    model's estimate. Then t has one degree of freedom less than there are groups, exactly, whether or not the effect
    varies between groups. Where another column changes with the predictor within groups (an interaction with a property
    of the groups, in ±½ or sum coding), the model explains a part of the differences, and the paired t-test would
    answer another question."""
    values, tests = np.column_stack([model.exog, model.endog]), {}
    groups, size = pd.factorize(np.asarray(model.groups))[0], np.abs(values).max(axis=0)
    for k, term in enumerate(model.exog_names):
        levels, level = np.unique(values[:, k], return_inverse=True)
        if len(levels) != 2 or model.n_groups < 2:
            continue
        cells = 2 * groups + level
        counts = np.bincount(cells, minlength=2 * model.n_groups)
        if 0 in counts or np.any(counts.reshape(-1, 2) != counts[:2]):
            continue
        means = np.array([np.bincount(cells, column) for column in values.T]).T / counts[:, None]
        shifts = means[1::2] - means[::2]
        if np.any(np.delete(np.abs(shifts) > 1e-9 * size, [k, -1], axis=1)):
            continue
        differences = shifts[:, -1] / np.ptp(levels)
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        gap = abs(differences.mean() - found.coefficients[k]) / np.sqrt(found.covariance[k, k])
        if error > 0 and gap < 1e-6:
            t, df = differences.mean() / error, len(differences) - 1
            tests[str(term)] = (float(t), df, float(2 * stats.t.sf(abs(t), df)))
    return tests
