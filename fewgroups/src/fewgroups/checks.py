"""What a result must be before anything is concluded from it, and what must be told about it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMResults, MixedLMResultsWrapper

from fewgroups.identification import check_identified
from fewgroups.structure import Structure

REFIT = "fit the model with fewgroups.fit(formula, data, groups), which ends at the optimum"


class NotAtOptimumWarning(UserWarning):
    """The fit stopped below the best log-likelihood: its numbers are not what the model says of the data."""


def check_result(result: Any, converged: bool = True) -> MixedLMResults:
    """A plain copy of the MixedLMResults behind `result`, or an error that says what to do instead.

    The copy also holds `structure`, the model's Structure: that of fewgroups.fit, or of an earlier check.
    converged: whether a search that did not finish is refused as well.

    Raises TypeError when `result` is no fitted MixedLM, ValueError when nothing can be concluded from it.
    """
    if isinstance(result, MixedLM):
        raise TypeError(
            "result is a model that was not fitted yet: give model.fit(), or use fewgroups.fit(...)"
        )
    plain = result._results if isinstance(result, MixedLMResultsWrapper) else result
    if not isinstance(plain, MixedLMResults):
        kind = type(getattr(result, "model", result)).__name__
        raise TypeError(
            "result must come from a mixed model (smf.mixedlm(...).fit() or fewgroups.fit(...)); this one is "
            f"{kind}, which knows of no groups. Fit a mixed model with what was measured repeatedly as groups"
        )
    if plain.model.endog is None:
        raise ValueError(
            "the data of this result were removed (remove_data): keep a copy with them, or fit again"
        )
    plain = copy.copy(plain)
    plain.structure = getattr(result, "structure", None)
    if plain.structure is None:
        plain.structure = Structure.of(plain.model)
        check_identified(plain.model, plain.structure)
    _check_fit(plain, converged)
    return plain


def _check_fit(result: MixedLMResults, converged: bool) -> None:
    if (
        not hasattr(result, "reml")
        or getattr(result, "cov_pen", None) is not None
        or result.model.fe_pen
    ):
        raise ValueError(
            f"result is a penalised fit, for which none of these methods is meant: {REFIT}"
        )
    if getattr(result, "freepat", None) is not None:
        raise ValueError(
            "this fit held some covariance parameters fixed (free=...): say the same with re_formula and "
            "vc_formula (independent slopes: re_formula='1', vc_formula={'slope': '0 + x'}) and fit again"
        )
    if not result.converged and not converged:
        return
    if not result.converged:
        raise ValueError(f"this fit did not converge, so its numbers are not estimates: {REFIT}")
    cov_re, vcomp = np.asarray(result.cov_re, dtype=float), np.ravel(result.vcomp)
    numbers = np.concatenate([np.ravel(result.fe_params), np.ravel(cov_re), vcomp, [result.scale]])
    finite = bool(np.all(np.isfinite(numbers))) and result.scale > 0 and np.all(vcomp >= 0)
    if not finite or np.any(np.linalg.eigvalsh(cov_re) < -1e-8 * np.abs(cov_re).max(initial=0)):
        raise ValueError(
            f"this fit holds values that are missing, infinite or no variance: {REFIT}"
        )
