"""Whether one model is a special case of another, and what the larger one adds.

Fixed effects: every column of the smaller model must be a combination of the larger one's. Random effects: each is a
family of covariance matrices, an unstructured one (the columns of re_formula with all covariances) and components with
one variance each; the smaller family must lie within the larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.information import random_design
from fewgroups.refits import groups_in_order

Array = np.ndarray
ALIKE = 1e-8  # share of a column, or of a covariance matrix, that is rounding


@dataclass(frozen=True)
class Added:
    """What the larger model has and the smaller has not.

    fixed: names of fixed-effect columns; random: phrases; parameters: how many in all; bounds: in how many directions
    a variance is added, which the smaller model holds at zero, the bound of what a variance can be.
    """

    fixed: tuple[str, ...]
    random: tuple[str, ...]
    parameters: int
    bounds: int

    @property
    def mixture(self) -> tuple[tuple[float, int], ...] | None:
        """Weights and df of the χ² distributions of which the null is a mixture; None where no simple one holds.

        One bound: ½χ²(d−1) + ½χ²(d) for d parameters (Self & Liang 1987, J. Am. Stat. Assoc. 82:605, cases 5 and 6;
        Stram & Lee 1994, Biometrics 50:1171, cases 1 and 2).
        """
        d = self.parameters
        if self.bounds > 1:
            return None
        return ((0.5, d - 1), (0.5, d)) if self.bounds else ((1.0, d),)


@dataclass(frozen=True)
class Component:
    """A random effect with a variance of its own: Z of each group, (rows of the group, columns)."""

    name: str
    blocks: tuple[Array, ...]


@dataclass(frozen=True)
class Random:
    """Random effects of a model: q unstructured columns in each group, (rows of the group, q), and components."""

    names: tuple[str, ...]
    columns: tuple[Array, ...]
    components: tuple[Component, ...]

    @classmethod
    def of(cls, model: MixedLM) -> Random:
        """Of a statsmodels MixedLM; a random effect that is the only one of re_formula counts as a component."""
        if not model.k_re and not model.k_vc:
            return cls((), (), ())
        designs = [random_design(model, number) for number, _ in groups_in_order(model)]
        names = random_names(model)
        columns = tuple(Z[:, : len(names)] for Z, _ in designs)
        components = [
            Component(str(name), tuple(Z[:, labels == number] for Z, labels in designs))
            for number, name in enumerate(model.exog_vc.names)
        ]
        if len(names) == 1:
            return cls((), (), (Component(names[0], columns), *components))
        return cls(names, columns, tuple(components))

    @property
    def parameters(self) -> int:
        """Variances and covariances, without the residual variance."""
        q = len(self.names)
        return q * (q + 1) // 2 + len(self.components)


def random_names(model: MixedLM) -> tuple[str, ...]:
    """Names of the columns of re_formula (q,): "Intercept" for the constant, which statsmodels calls by the group."""
    if not model.k_re:
        return ()
    columns = np.asarray(model.exog_re, dtype=float)
    return tuple(
        "Intercept" if np.ptp(column) == 0 else str(name)
        for name, column in zip(model.data.exog_re_names, columns.T, strict=True)
    )


def added(smaller: MixedLM, larger: MixedLM) -> Added:
    """What `larger` adds; both models have the same rows and, where `smaller` has random effects, the same groups.

    Raises ValueError, saying which column or random effect stands in the way, when `smaller` is not nested in
    `larger`, or when they are the same model.
    """
    try:
        return _added(smaller, larger)
    except ValueError as error:
        try:
            _added(larger, smaller)
        except ValueError:
            raise error from None
        raise ValueError(
            f"{error}. They seem to be swapped: the smaller model comes first"
        ) from None


def _added(smaller: MixedLM, larger: MixedLM) -> Added:
    X_s, X_l = np.asarray(smaller.exog, dtype=float), np.asarray(larger.exog, dtype=float)
    names_s, names_l = fixed_names(smaller), fixed_names(larger)
    outside = new_columns(X_l, X_s)
    if outside:
        raise ValueError(
            f"smaller is not nested in larger: its fixed effects {', '.join(names_s[k] for k in outside)} are not in "
            "larger; compare models of which one has all that the other has"
        )
    before, after = Random.of(smaller), Random.of(larger)
    phrases, bounds = _random_added(before, after)
    fixed = tuple(names_l[k] for k in new_columns(X_s, X_l))
    parameters = len(fixed) + after.parameters - before.parameters
    if not parameters:
        raise ValueError("smaller and larger are the same model; there is nothing to compare")
    return Added(fixed, phrases, parameters, bounds)


def fixed_names(model: MixedLM) -> list[str]:
    """Names of the columns of X; those of an OLS model stand beside a copy of the mixed model it is compared with."""
    return [str(name) for name in getattr(model, "fixed_names", model.exog_names)]


def new_columns(known: Array, columns: Array) -> list[int]:
    """Which of `columns` (rows, k) follow neither from `known` (rows, j) nor from the ones before them."""
    found = []
    basis = np.linalg.qr(_unit(known))[0]
    for k, column in enumerate(_unit(columns).T):
        left = column - basis @ (basis.T @ column)
        left -= basis @ (basis.T @ left)
        if np.linalg.norm(left) > ALIKE:
            found.append(k)
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    return found


def _unit(columns: Array) -> Array:
    size = np.linalg.norm(columns, axis=0)
    return columns / np.where(size > 0, size, 1.0)


def _random_added(before: Random, after: Random) -> tuple[tuple[str, ...], int]:
    """What is added, in words, and how many variances are added that the smaller model holds at zero."""
    q = len(after.names)
    reached = np.zeros(
        (q, 0)
    )  # directions, in after.columns, in which the smaller model's groups vary already
    if before.names:
        if not q or new_columns(np.vstack(after.columns), np.vstack(before.columns)):
            raise _not_nested(f"the correlated random effects of {', '.join(before.names)}")
        reached = np.linalg.lstsq(np.vstack(after.columns), np.vstack(before.columns), rcond=None)[
            0
        ]
    left = list(after.components)
    tied = False  # whether the smaller model ties variances of the unstructured columns together
    for component in before.components:
        same = [other for other in left if _same_kernel(component, other)]
        if same:
            left.remove(same[0])
            continue
        root = _within(component, after.columns) if q else None
        if root is None:
            raise _not_nested(f"the random effect {component.name}")
        tied = tied or root.shape[1] > 1
        reached = np.hstack([reached, root])
    new = [after.names[k] for k in new_columns(reached, np.eye(q))]
    bounds = len(left) + len(new)
    rest = after.parameters - before.parameters - bounds
    phrases = [f"the variance of {name}" for name in [component.name for component in left] + new]
    if rest and tied:
        phrases.append(
            "a variance or covariance" if rest == 1 else f"{rest} variances and covariances"
        )
    elif rest:
        phrases.append("a covariance" if rest == 1 else f"{rest} covariances")
    return tuple(phrases), bounds


def _not_nested(what: str) -> ValueError:
    return ValueError(
        f"smaller is not nested in larger: {what} of smaller cannot be seen as a special case of larger's random "
        "effects; compare models of which one has all that the other has"
    )


def _inner(one: Sequence[Array], other: Sequence[Array]) -> float:
    """Σ over groups of tr(AAᵀBBᵀ)."""
    return float(sum(np.sum((a.T @ b) ** 2) for a, b in zip(one, other, strict=True)))


def _same_kernel(one: Component, other: Component) -> bool:
    """Whether ZZᵀ of the two is the same, up to a factor."""
    size = np.sqrt(_inner(one.blocks, one.blocks) * _inner(other.blocks, other.blocks))
    return bool(_inner(one.blocks, other.blocks) > (1 - ALIKE) * size)


def _within(component: Component, columns: Sequence[Array]) -> Array | None:
    """A root T (q, k) with RTTᵀRᵀ = ZZᵀ in every group, if there is one; R are the unstructured columns."""
    units = np.linalg.norm(np.vstack(columns), axis=0)
    q = len(units)
    R = [block / units for block in columns]
    equations, right = np.zeros((q * q, q * q)), np.zeros(q * q)
    for r, Z in zip(R, component.blocks, strict=True):
        equations += np.kron(r.T @ r, r.T @ r)
        right += ((r.T @ Z) @ (r.T @ Z).T).ravel()
    psi = np.linalg.lstsq(equations, right, rcond=1e-12)[0].reshape(q, q)
    values, vectors = np.linalg.eigh((psi + psi.T) / 2)
    if values[0] < -ALIKE * values[-1]:
        return None
    kept = values > ALIKE * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    made = [r @ root for r in R]
    whole = _inner(component.blocks, component.blocks)
    gap = whole - 2 * _inner(component.blocks, made) + _inner(made, made)
    return root / units[:, None] if gap < ALIKE * whole else None
