"""What the next outcome may be: of the average group, of a group that was measured, of one that was not."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import patsy
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import check_choice, check_columns, confidence_level, refuse_rows, some
from fewgroups.checks import check_result
from fewgroups.ddf import examine
from fewgroups.formulas import Names, component_columns, first_line, group_column, in_groups, plain
from fewgroups.likelihood import Information
from fewgroups.structure import dense, derivatives
from fewgroups.wording import NotedTable, noted_table, say, useful_decimals

Array = np.ndarray
Components = list[tuple[Array, Array]]  # rows' combinations of labels; their numeric columns
LEAST_DF = 1.0  # below, t has no quantiles that mean anything; a variance near zero leads there


def predictions(
    result: Any,
    data: pd.DataFrame | None = None,
    who: str = "average",
    of: str = "mean",
    level: float = 0.95,
) -> NotedTable:
    """Predictions with intervals that hold what they are about: an average, a group, or a single outcome.

    result: a MixedLM fitted by a formula (smf.mixedlm(...).fit() or fewgroups.fit); by REML, else it is refitted by
        REML.
    data: DataFrame, one row per prediction, with the predictors and, for who="known", the group. None: every distinct
        row of predictors (and group) in the data that were fitted.
    who: "average": the mean over all groups, random effects zero. "known": a group of the data, from its outcomes and
        what the others say (BLUP). "new": a group that was not measured.
    of: "mean": the level, the mean of endlessly many repeats. "score": one new repeat, with its residual; not for the
        average, which is no group.
    level: coverage of the interval, between 0 and 1.

    Returns a DataFrame, one row per row of data (its index): the predictors, then estimate, se, df, low, high. Values
    are exact, only the display is rounded; `.notes` says the rest in words, `.attrs` holds who, of, level, method,
    singular, refitted, shortfall. ValueError or TypeError as in `coefficients`, and naming `data` for what it lacks or
    what was not fitted.

    The interval is estimate ± t(df) se: a confidence interval of the average, else a prediction interval. It knows of
    no bounds: an outcome that cannot pass 1 may have one that does. With x, z the row's fixed and random-effect columns
    and Φ = (XᵀV⁻¹X)⁻¹ with Kenward–Roger's addition, se² is
    - average: xᵀΦx, as in `coefficients`;
    - new: xᵀΦx + zᵀΨz, and every level of a variance component counts as new;
    - known: Henderson's (1975) mean squared error of xᵀβ̂ + zᵀû, which counts that β is estimated but takes the
      variances at their estimates; levels of a component that were not seen count as new;
    - of="score": + σ².

    df, Satterthwaite's (1946) 2 se⁴ / var(se²), at least 1, counts that all variances are estimated, for "known" too.
    How well the intervals hold, simulated, is in the library's README. All this is for a model that is right: one that
    lets groups differ in level only, where they differ in slope, is too sure of every group.

    Sources: Henderson 1975 (Biometrics 31:423); Satterthwaite 1946 (Biometrics Bulletin 2:110); Kenward & Roger 1997
    (Biometrics 53:983). Prasad & Rao's (1990, J. Am. Stat. Assoc. 85:163) addition to Henderson's error is left out: on
    top of these df, "known" would be covered .97 to .99 in the rows of slopes with 4 groups."""
    check_choice("who", who, ("average", "known", "new"))
    check_choice("of", of, ("mean", "score"))
    if (who, of) == ("average", "score"):
        raise ValueError('of="score" needs a group that gives it: who="known" or who="new"')
    confidence_level(level)
    checked = check_result(result)
    model = checked.model
    shown, X, Z, components, groups = _new_rows(model, data, who)
    fit = examine(checked, "kenward-roger")
    found, method, n = fit.found, fit.method, len(model.endog)
    X, Z = found.rows(X), Z @ found.structure.random
    made = np.empty((len(shown), found.gamma.size + 3))
    for group in np.unique(groups):
        own = model.row_indices[model.group_labels[group]] if group >= 0 else np.empty(0, dtype=int)
        new = np.flatnonzero(groups == group)
        rows = np.append(own, n + new)
        theirs = [(codes[rows], values[rows]) for codes, values in components]
        made[new] = _of_group(found, model.endog[own], X[rows], Z[rows], theirs)
    estimate, error, gradient = made[:, 0], made[:, 1], made[:, 2:]
    if of == "score":
        error += found.scale
        gradient[:, -1] += found.scale
    scatter = _forms(gradient, method.spread)
    raw = np.divide(2 * error**2, scatter, out=np.full(len(shown), np.inf), where=scatter > 0)
    df = np.maximum(raw, LEAST_DF)
    if who != "known":
        error += _forms(X[n:], method.covariance - method.phi)
    se = np.sqrt(error)
    half_width = stats.t.ppf((1 + level) / 2, df) * se
    low, high = estimate - half_width, estimate + half_width
    predicted = {"estimate": estimate, "se": se, "df": df, "low": low, "high": high}
    given = {f"{c} (data)" if c in predicted else c: shown[c].array for c in shown.columns}
    decimals = dict.fromkeys(predicted, useful_decimals(float(se.min()))) | {"df": 2}
    notes = [say(f"predictions.{who}_{of}", level=f"{100 * level:g}")]
    examined = fit.notes
    if who != "average":
        level_only = model.k_re == 1 and not model.k_vc and np.ptp(np.asarray(model.exog_re)) == 0
        if level_only and any(np.ptp(x, axis=0).any() for x in model.exog_li):
            notes.append(say("predictions.level_only"))
        if fit.facts["singular"]:
            notes.append(say("predictions.singular"))
            examined = [note for note in fit.notes if not note.startswith("Singular fit")]
    if np.any(raw < LEAST_DF):
        notes.append(say("predictions.floored"))
    table = noted_table(given | predicted, shown.index, [*notes, *examined], decimals)
    table.attrs |= fit.facts | {"who": who, "of": of, "level": level}
    return table


def _of_group(found: Information, y: Array, X: Array, Z: Array, components: Components) -> Array:
    """(k, size + 3): of k rows w = xᵀβ + zᵀu of one group the best linear unbiased predictors, their mean squared
    errors M, with γ taken as it is, and the gradients of M by γ and log σ². y (n,): the outcomes of the group, if it
    was measured; X (n + k, p), Z (n + k, q) and the components have their rows and then the others, in the orthonormal
    columns of `found`. The predictor is aᵀy with weights a that depend on γ. As they minimise M, only V moves in dM/dγ,
    not a. By log σ², which scales V, it is M itself."""
    n, p, q, v = len(y), X.shape[1], Z.shape[1], found.structure.v
    blocks, labels = [Z], list(range(-1, -1 - q, -1))
    for c, (codes, values) in enumerate(components):
        seen = np.unique(codes[:n])
        place = pd.Index(seen).get_indexer(codes)  # −1, so the last column: not seen in the group
        block = np.zeros((len(X), len(seen) + 1, values.shape[1]))
        block[np.arange(len(X)), place] = values
        blocks.append(block.reshape(len(X), -1) / found.structure.unit_vc[c])
        labels += [c] * block[0].size
    Z, z = np.split(np.hstack(blocks), [n])
    X, x = np.split(X, [n])
    units = derivatives(np.array(labels), q, v)
    relative = np.tensordot(found.gamma, units, axes=1)
    H = np.linalg.solve(np.eye(len(labels)) + relative @ Z.T @ Z, relative)
    B = np.hstack([X, Z])
    solved = (B - Z @ (H @ (Z.T @ B))) / found.scale  # V⁻¹B, also where the covariance is singular
    once = B.T @ solved
    h = found.scale * (z @ relative)  # zᵀû = hᵀZᵀV⁻¹(y − Xβ̂) = aᵀ(y − Xβ̂)
    d = x - h @ once[p:, :p]  # x − Xᵀa
    f = d @ found.phi  # dᵀβ̂ = fᵀXᵀV⁻¹y = bᵀy, over all groups
    estimate = x @ found.beta + h @ (solved[:, p:].T @ (y - X @ found.beta))
    error = np.sum(z * h, axis=1) - _forms(h, once[p:, p:]) + np.sum(d * f, axis=1)
    # dM/dγ_i = Σ bᵀG_ib over all groups, less what links the target to its own group: there b is a + b
    before = f @ once[:p, p:]
    after = before + h @ once[p:, p:] - z
    within = [_forms(after, S) - _forms(before, S) for S in units]
    of_beta = [_forms(d, slope) for slope in found.phi_slopes[:-1]]
    gradient = found.scale * np.transpose(within) + np.transpose(of_beta)
    return np.column_stack([estimate, error, gradient, error])


def _forms(rows: Array, matrix: Array) -> Array:
    """rᵀMr (k,) of each row r of (k, m)."""
    return np.sum(rows @ matrix * rows, axis=1)


def _new_rows(
    model: MixedLM, data: pd.DataFrame | None, who: str
) -> tuple[pd.DataFrame, Array, Array, Components, Array]:
    """The k rows to predict as the reader has them; of the fitted rows and these X (n + k, p), Z (n + k, q), the
    components; and the groups (k,) of these, the model's numbers, −1 if not measured. The formulas are evaluated over
    all rows together: what gives the fitted columns again gives the right ones for new rows. Of the "average", X alone
    is made. TypeError or ValueError say what `data` lacks, or what cannot be made."""
    spec, frame = getattr(model.data, "model_spec", None), getattr(model.data, "frame", None)
    if not isinstance(spec, patsy.DesignInfo) or not isinstance(frame, pd.DataFrame):
        raise ValueError("result was not fitted by a formula, as new rows need: use fewgroups.fit")
    colnames = [] if who == "average" else model.exog_vc.colnames
    components = [_terms(names) for names in colnames]
    variables = Names.of(sum(components, spec.terms)).variables
    used = [name for name in frame.columns if name in variables]
    several = who == "known" and model.n_groups > 1
    group = group_column(model) if several else None
    if several and group is None:
        raise ValueError("result has groups that are no column of its data: use groups='column'")
    needed = used if group in (None, *used) else [group, *used]
    if data is not None:
        shown = _checked(data, needed, group)
    elif needed:
        shown = frame[needed].drop_duplicates(ignore_index=True)
    else:  # a formula without predictors: one row says all
        shown = pd.DataFrame(index=[0])
    groups = np.full(len(shown), 0 if who == "known" else -1)
    if group is not None:
        groups = pd.Index(model.group_labels).get_indexer(shown[group])
        unknown = shown[group][groups < 0].unique()
        if len(unknown):
            raise ValueError(
                f"data[{group!r}] has {some(unknown)}, which the model has not seen; it knows "
                f"{some(model.group_labels)}. For a group that was not measured use who='new'"
            )
    n = len(frame)
    both = pd.DataFrame({c: _extended(c, frame[c], shown[c]) for c in used}, range(n + len(shown)))
    try:
        (made,) = patsy.build_design_matrices([spec], Names.of(spec.terms).table(both), "raise")
    except patsy.PatsyError as error:
        raise ValueError(f"data does not fit the model's formula: {first_line(error)}") from None
    X = np.asarray(made)
    if not _same(X[:n], model.exog):
        raise _not_made("formula", spec.term_names)
    parts = [_component(model, c, terms, both) for c, terms in enumerate(components)]
    Z = np.zeros((len(X), model.k_re))
    if model.k_re and who != "average":
        Z = X @ np.linalg.lstsq(model.exog, model.exog_re, rcond=None)[0]
        if not _same(Z[:n], model.exog_re):
            raise ValueError(
                f"re_formula: {some(model.data.exog_re_names)} vary between groups, but are no fixed effects, which "
                "alone can be made for new rows: add them to formula, where they belong, and fit again"
            )
    return shown, X, Z, parts, groups


def _checked(data: Any, needed: list[str], group: str | None) -> pd.DataFrame:
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"data must be a DataFrame with the columns {', '.join(needed) or '(none)'}; given {type(data).__name__}"
        )
    if not len(data):
        raise ValueError("data has no rows, so there is nothing to predict")
    check_columns(data)
    lacking = [name for name in needed if name not in data.columns]
    if lacking:
        why = f"; {group!r} says which of the groups each row is about" if group in lacking else ""
        raise ValueError(f"data lacks {some(lacking)}, which the model needs{why}")
    refuse_rows(data[needed].isna().any(axis=1), data, "have missing values")
    return data[needed]


def _extended(name: str, fitted: pd.Series, given: pd.Series) -> pd.Series:
    """A fitted column, and after it a new one, which must hold the same kind of values."""
    fitted, given = plain(name, fitted), plain(name, given)
    if fitted.dtype.kind not in "bif":  # labels
        return pd.concat([fitted, given.astype(object)], ignore_index=True)
    kind = "true or false" if fitted.dtype.kind == "b" else "numbers"
    if given.dtype.kind not in "bif" or (kind != "numbers" and not given.isin([0, 1]).all()):
        raise ValueError(f"data[{name!r}] must hold {kind}; given {some(given.unique())}")
    refuse_rows(np.isinf(given), given.to_frame(), f"are infinite in {name!r}")
    fits = fitted.dtype.kind == "f" or (given % 1 == 0).all()
    given = given.astype(fitted.dtype if fits else float)
    return pd.concat([fitted, given], ignore_index=True)


def _terms(names: list[list[str]]) -> list[patsy.Term]:
    """The formula's terms behind columns' names in each group, C(cask) behind "C(cask)[a]"."""
    codes = dict.fromkeys(re.sub(r"\[[^\]]*\]", "", str(name)) for own in names for name in own)
    summed = " + ".join("1" if code == "Intercept" else code for code in ("0", *codes))
    try:
        return patsy.ModelDesc.from_formula(summed).rhs_termlist
    except patsy.PatsyError:
        raise _not_made("vc_formula", codes) from None


def _component(
    model: MixedLM, component: int, terms: list[patsy.Term], both: pd.DataFrame
) -> tuple[Array, Array]:
    """Labels and numeric columns of a variance component in the fitted rows and the new ones, which are `both`."""
    parts, n = model.exog_vc, len(model.endog)
    refused = _not_made(f"vc_formula[{parts.names[component]!r}]", [t.name() for t in terms])
    try:
        (term,) = terms
        table, env = Names.of(terms).table(both), patsy.EvalEnvironment([{"np": np}])
        codes, values, names = component_columns(term.factors, table, env, n)
    except Exception:  # a formula may call anything
        raise refused from None
    wrong = not np.isfinite(values).all()
    made = in_groups(codes[:n], values[:n], names, pd.factorize(model.groups, sort=True)[0])
    stored = parts.colnames[component], parts.mats[component]
    for labels, block, colnames, matrix in zip(*made, *stored, strict=True):
        columns = dict(zip(labels, dense(block).T, strict=True))
        again = [columns.pop(name, np.zeros(block.shape[0])) for name in colnames]
        wrong |= bool(columns) or not _same(np.column_stack(again), dense(matrix))
    if wrong:
        raise refused
    return codes, values


def _same(made: Array, fitted: Array) -> bool:
    return bool(np.abs(made - fitted).max(initial=0.0) <= 1e-8 * np.abs(fitted).max(initial=0.0))


def _not_made(argument: str, names: Iterable[str]) -> ValueError:
    return ValueError(
        f"{argument}: nothing says what {some(names)} is in these rows, as it depends on the other rows, on a function "
        "or on a level that was not fitted; make a column of the data of it, and fit again"
    )
