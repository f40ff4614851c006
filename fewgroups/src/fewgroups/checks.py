"""What a result must be before anything is concluded from it, and whether its data can tell the variances apart."""

import copy
from typing import Any

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMResults, MixedLMResultsWrapper

from fewgroups.likelihood import Information
from fewgroups.structure import RANK, GroupBlock, Structure, ranks

ALIKE = 1e-11  # smallest eigenvalue of a matrix of squared cosines that is not rounding
REFIT = "fit the model with fewgroups.fit(formula, data, groups), which ends at the optimum"
NO_RESIDUAL = (
    "the fixed and random effects together explain every outcome exactly, so there is no residual variation: is the "
    "outcome constant within groups, or made from a predictor?"
)


def check_result(result: Any, converged: bool = True) -> MixedLMResults:
    """A plain copy of the MixedLMResults behind `result`, with the model's `structure`: that of fewgroups.fit, or of an
    earlier check. TypeError when `result` is no fitted MixedLM, ValueError when nothing can be concluded from it.
    converged: whether a search that did not finish is refused as well."""
    if isinstance(result, MixedLM):
        raise TypeError("result is a model that was not fitted yet: give model.fit()")
    plain = result._results if isinstance(result, MixedLMResultsWrapper) else result
    if not isinstance(plain, MixedLMResults):
        kind = type(getattr(result, "model", result)).__name__
        raise TypeError(
            f"result must come from a mixed model (smf.mixedlm(...).fit() or fewgroups.fit(...)); this one is {kind}, "
            "which knows of no groups: fit a mixed model, with what was measured repeatedly as groups"
        )
    model = plain.model
    if model.endog is None:
        raise ValueError("the data of this result were removed (remove_data): fit again")
    plain = copy.copy(plain)
    plain.structure = getattr(result, "structure", None)
    if plain.structure is None:
        plain.structure = Structure.of(model)
        check_identified(model, plain.structure)
    penalised = getattr(plain, "cov_pen", None) is not None or model.fe_pen
    if penalised or not hasattr(plain, "reml"):
        raise ValueError(f"result is a penalised fit, for which nothing here is meant: {REFIT}")
    if getattr(plain, "freepat", None) is not None:
        raise ValueError(
            "this fit held some covariance parameters fixed (free=...): say the same with re_formula and "
            "vc_formula (independent slopes: re_formula='1', vc_formula={'slope': '0 + x'}) and fit again"
        )
    if not plain.converged:
        if converged:
            raise ValueError(f"this fit did not converge, so it has no estimates: {REFIT}")
        return plain
    cov_re, vcomp = np.asarray(plain.cov_re, dtype=float), np.ravel(plain.vcomp)
    numbers = np.concatenate([np.ravel(plain.fe_params), np.ravel(cov_re), vcomp, [plain.scale]])
    finite = bool(np.all(np.isfinite(numbers))) and plain.scale > 0 and np.all(vcomp >= 0)
    if not finite or np.any(np.linalg.eigvalsh(cov_re) < -1e-8 * np.abs(cov_re).max(initial=0)):
        raise ValueError(f"this fit has values that are missing, infinite or no variance: {REFIT}")
    return plain


def check_identified(model: MixedLM, structure: Structure) -> None:
    """ValueError, saying what would do, when a variance has nothing to be estimated from, whatever the outcome is."""
    if model.n_groups == 1 and model.k_re:
        raise ValueError(
            f"groups has one value only ({model.group_labels[0]!r}), so nothing says how groups vary: name the column "
            "that tells the groups apart; for crossed factors give re_formula=None and a vc_formula"
        )
    if residual_share(structure) < RANK:
        raise ValueError(NO_RESIDUAL)
    if q := structure.q:
        # A column is unidentified if in every group it is a combination of the group's other columns.
        W = np.concatenate([b.W[:, :q, :q] for b in structure.blocks if isinstance(b, GroupBlock)])
        whole = ranks(W)
        for c in reversed(range(q)):
            if not np.any(whole > ranks(np.delete(np.delete(W, c, axis=1), c, axis=2))):
                raise ValueError(
                    f"re_formula: {model.data.exog_re_names[c]!r} cannot be told from the other random effects within "
                    "any single group (a predictor that is constant in each group has no slope there): leave it out"
                )
    # V = Σ γ_r G_r cannot be recovered from what X leaves, at whatever γ, exactly if this is singular at V = I.
    zero = np.zeros(structure.size)
    expected = Information.of(structure, zero, True).expected
    without_x = Information.of(structure, zero, False).expected
    names = np.array([*model.data.param_names[model.k_fe :], "the residual variance"])
    gone = names[np.diag(expected) <= 1e-12 * np.diag(without_x)]
    if len(gone):
        raise ValueError(
            f"nothing in the data tells of {', '.join(gone)}, which the fixed effects explain already: leave one out"
        )
    size = np.sqrt(np.diag(expected))
    values, vectors = np.linalg.eigh(expected / np.outer(size, size))
    if values[0] < ALIKE:
        alike = names[np.abs(vectors[:, 0]) > 0.1]
        single = " (each row is a group of its own)" if model.n_groups == structure.n else ""
        raise ValueError(
            f"the data cannot tell apart {', '.join(alike)}: they make the outcome vary in the same way{single}; leave "
            "one of these random effects out (with one row per group and condition, the slope: re_formula='~1')"
        )


def residual_share(s: Structure) -> float:
    """What random effects of any size leave unexplained, as a share of what least squares leaves; nan if fixed and
    random effects have as many independent columns as there are rows: they explain any outcome."""
    left, rank, p = s.BB, 0, s.p
    for block in s.blocks:
        removed, own = block.explained()
        left, rank = left - removed, rank + own
    if rank + np.sum(np.linalg.eigvalsh(left[:p, :p]) > RANK) >= s.n:
        return np.nan
    cross = left[:p, p]
    rest = left[p, p] - cross @ np.linalg.pinv(left[:p, :p], rcond=RANK, hermitian=True) @ cross
    return float(rest / s.BB[p, p])
