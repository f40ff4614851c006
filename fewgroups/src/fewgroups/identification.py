"""Whether the data can tell a model's variances apart at all, whatever the outcome turned out to be."""

from __future__ import annotations

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.blocks import RANK, GroupBlock, ranks
from fewgroups.ddf import information
from fewgroups.structure import Structure

Array = np.ndarray
ALIKE = 1e-11  # smallest eigenvalue of a matrix of squared cosines that is not rounding
NO_RESIDUAL = (
    "the fixed and random effects together explain every outcome exactly, so there is no residual variation: is the "
    "outcome constant within groups, or made from a predictor?"
)


def check_identified(model: MixedLM, structure: Structure) -> None:
    """ValueError, saying what would do, when a variance has nothing to be estimated from."""
    if model.n_groups == 1 and model.k_re:
        raise ValueError(
            f"groups has one value only ({model.group_labels[0]!r}), so nothing says how groups vary: name the column "
            "that tells the groups apart; for crossed factors give re_formula=None and a vc_formula"
        )
    if residual_share(structure) < RANK:
        raise ValueError(NO_RESIDUAL)
    if structure.q and (columns := _unidentified_columns(structure)):
        raise ValueError(
            f"re_formula: {model.data.exog_re_names[columns[0]]!r} cannot be told from the other random effects within "
            "any single group (a predictor that is constant in each group has no slope there): leave it out"
        )
    # V = Σ γ_r G_r cannot be recovered from what X leaves, at whatever γ, exactly if this is singular at V = I
    zero = np.zeros((structure.q, structure.q)), np.zeros(structure.v)
    found = information(structure, *zero, 1.0, True)
    names = [*model.data.param_names[model.k_fe :], "the residual variance"]
    size = np.sqrt(np.clip(np.diag(found.expected), 0, None))
    without_x = np.sqrt(np.diag(found.traces))
    gone = [n for n, left, all_ in zip(names, size, without_x, strict=True) if left <= 1e-6 * all_]
    if gone:
        raise ValueError(
            f"nothing in the data tells of {', '.join(gone)}: the fixed effects already explain what it would; leave "
            "one of them out"
        )
    values, vectors = np.linalg.eigh(found.expected / np.outer(size, size))
    if values[0] < ALIKE:
        alike = [n for n, weight in zip(names, vectors[:, 0], strict=True) if abs(weight) > 0.1]
        single = " (each row is a group of its own)" if model.n_groups == structure.n else ""
        raise ValueError(
            f"the data cannot tell apart {', '.join(alike)}: they make the outcome vary in the same way{single}; leave "
            "one of these random effects out (with one row per group and condition, the slope: re_formula='~1')"
        )


def residual_share(s: Structure) -> float:
    """What random effects of any size leave unexplained, as a share of what least squares leaves.

    nan if fixed and random effects have as many independent columns as there are rows: they explain any outcome.
    """
    left, rank, p = s.BB, 0, s.p
    for block in s.blocks:
        removed, own = block.explained()
        left, rank = left - removed, rank + own
    if rank + np.sum(np.linalg.eigvalsh(left[:p, :p]) > RANK) >= s.n:
        return np.nan
    cross = left[:p, p]
    rest = left[p, p] - cross @ np.linalg.pinv(left[:p, :p], rcond=RANK, hermitian=True) @ cross
    return float(rest / s.BB[p, p])


def _unidentified_columns(s: Structure) -> list[int]:
    """Random-effect columns that in every group are combinations of the group's other columns."""
    W = np.concatenate([b.W[:, : s.q, : s.q] for b in s.blocks if isinstance(b, GroupBlock)])
    whole = ranks(W)
    without = [ranks(np.delete(np.delete(W, c, axis=1), c, axis=2)) for c in range(s.q)]
    return [c for c in reversed(range(s.q)) if not np.any(whole > without[c])]
