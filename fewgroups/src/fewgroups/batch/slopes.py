"""Random intercept and slope for many data sets, with the two columns of X also those of Z.

Each group's least-squares coefficients are then sufficient, bᵢ ~ N(β, σ²(Gᵢ⁻¹ + Ψ)) with Gᵢ = XᵢᵀXᵢ: a bivariate
random-effects meta-analysis. Everything is written with Wᵢ = (I + GᵢΨ)⁻¹Gᵢ, for 2 × 2 matrices
(Gᵢ + |Gᵢ| adj Ψ) / (1 + tr GᵢΨ + |Gᵢ||Ψ|), which needs no inverse of Gᵢ: a group without one condition has |Gᵢ| = 0.

The engine works in orthonormal columns, scaled so that the average Gᵢ is the identity; Ψ is then free of units, and its
eigenvalues say how much groups differ beside what their own rows can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.layouts import Layout
from fewgroups.batch.newton import SlopeProfile, eigenvalues, matrix, minimise

SINGULAR = 1e-8
"""Smallest eigenvalue of Ψ, in the columns above, at which a fit is on the boundary: 1e-4 as a ratio of SDs."""


@dataclass(frozen=True, eq=False)
class SlopeModel:
    """What the fits of one layout share; `slope_model` makes it.

    Q, R: (cells, 2), (2, 2) the orthonormal columns times √m, X = QR; grams: (2, 2, P) Gᵢ = QᵢᵀQᵢ of each of the
    layout's kinds of groups, determinants: (P,), exactly 0 without a slope; inverses: (m, 2, 2) each group's
    pseudo-inverse; df: N − 2 under REML, N under ML; within_df: that of the residuals around the groups'
    own lines.
    """

    layout: Layout
    reml: bool
    Q: np.ndarray
    R: np.ndarray
    grams: np.ndarray
    determinants: np.ndarray
    inverses: np.ndarray
    df: int
    within_df: int

    @property
    def closed(self) -> bool:
        """Whether Ψ has a closed form: all groups have the same Gᵢ."""
        return len(self.layout.kinds) == 1

    def fit(self, cells: CellStatistics) -> dict[str, np.ndarray]:
        """As `InterceptModel.fit`, with psi (2, 2, n) = cov_re/σ²."""
        centre, profile = self.profile(cells)
        # Less than 14 digits below the outcome itself is rounding: no residual variance, nothing to estimate.
        alive = profile.rest > 1e-28 * cells.squares
        profile = profile.with_placeholders(alive)
        if self.closed:
            psi, solved = _closed_form(self, profile), alive
        else:
            psi, solved = minimise(profile, _moments(self, profile))
        here = profile.at(psi)
        scale = here.total / self.df
        constant = self.df * (1 + np.log(2 * np.pi / self.df))
        constant += 2 * self.reml * np.log(np.diag(self.R)).sum()
        back = np.linalg.inv(self.R)  # coefficients and their covariances in the columns of X
        both = np.einsum("ij,xjkn->xikn", back, np.stack([here.inverse, psi]))
        both = np.einsum("xijn,kj->xikn", both, back)
        return {
            "estimate": back @ (centre + here.beta),
            "se": np.sqrt(scale * both[0][[0, 1], [0, 1]]),
            "psi": both[1],
            "scale": scale,
            "loglik": -(here.value + constant) / 2,
            "solved": solved & alive,
            "singular": eigenvalues(psi)[1] < SINGULAR,
        }

    def profile(self, cells: CellStatistics) -> tuple[np.ndarray, SlopeProfile]:
        """The coefficients (2, n) that the outcome of each data set is centred at, and its profiled likelihood."""
        layout, Q = self.layout, self.Q
        weighted = (layout.sizes[:, None] * Q).T
        centre = weighted / layout.groups @ cells.means
        residuals = cells.means - Q @ centre
        totals = [layout.by_group(column[:, None] * residuals) for column in weighted]
        b = self.inverses @ np.stack(totals, axis=1)  # (m, 2, n)
        residuals -= Q[:, :1] * b[layout.group, 0] + Q[:, 1:] * b[layout.group, 1]
        squares = [np.einsum("min,mjn->ijn", b[kind], b[kind]) for kind in self.layout.kinds]
        return centre, SlopeProfile(
            grams=self.grams,
            determinants=self.determinants,
            multiplicity=np.array([float(len(kind)) for kind in self.layout.kinds]),
            sums=np.stack([b[kind].sum(axis=0) for kind in self.layout.kinds], axis=1),
            squares=np.stack(squares, axis=2),
            rest=cells.within + layout.sizes @ residuals**2,
            df=float(self.df),
            reml=self.reml,
        )


def slope_model(layout: Layout, reml: bool) -> SlopeModel:
    """The shared part of fits with a random intercept and slope; ValueError for other than two columns, and when no
    group's rows identify a slope or no residual is left."""
    if layout.columns != 2:
        raise ValueError(
            f"slopes=True fits a random intercept and one random slope, and needs X with two columns; "
            f"given {layout.columns}. Use fit(…, re_formula=…) for more"
        )
    Q, R = layout.basis
    Q, R, every = (
        Q * np.sqrt(layout.groups),
        R / np.sqrt(layout.groups),
        layout.grams * layout.groups,
    )
    grams = every[[kind[0] for kind in layout.kinds]]
    determinants = grams[:, 0, 0] * grams[:, 1, 1] - grams[:, 0, 1] ** 2
    # Columns that are proportional for these groups, as in a single cell: a mean, but no slope.
    flat = determinants <= 1e-12 * np.trace(grams, axis1=1, axis2=2) ** 2
    determinants[flat] = 0.0
    if flat.all():
        raise ValueError(
            "slopes=True needs groups whose rows differ in X's second column; none here does, so that "
            "no group's data identify a slope. Fit the random intercept alone"
        )
    lines = np.array([len(kind) for kind in layout.kinds]) @ np.where(flat, 1, 2)
    if layout.rows <= lines:
        raise ValueError(
            f"too few rows: {layout.rows} for {layout.groups} groups with a line each leave none to "
            "estimate the residual variance from; groups need repeats"
        )
    return SlopeModel(
        layout=layout,
        reml=reml,
        Q=Q,
        R=R,
        grams=np.moveaxis(grams, 0, -1),
        determinants=determinants,
        inverses=np.linalg.pinv(every, rcond=1e-12, hermitian=True),
        df=layout.rows - 2 * reml,
        within_df=layout.rows - int(lines),
    )


def _moments(model: SlopeModel, profile: SlopeProfile) -> np.ndarray:
    """Ψ by moments: coefficients weighted by what each group's rows can tell, no eigenvalue below .05."""
    weight = np.trace(profile.grams) / 2
    spread = np.einsum("p,ijpn->ijn", weight, profile.squares) / model.layout.groups
    large, small, direction = eigenvalues(spread * model.within_df / profile.rest)
    return matrix(np.maximum(large - 1, 0.05), np.maximum(small - 1, 0.05), direction)


def _closed_form(model: SlopeModel, profile: SlopeProfile) -> np.ndarray:
    """Ψ when every group's Gᵢ is the identity: whichever eigenvalues of the groups' covariance lie below the
    residual variance are pooled with it (REML under the rank constraint: Amemiya 1985, Ann. Statist. 13:1315 gives
    the unconstrained cut; pooling makes it the maximum)."""
    groups = model.layout.groups - model.reml
    large, small, direction = eigenvalues(profile.squares[:, :, 0])
    scale = profile.rest / model.within_df
    low = small <= scale * groups
    scale = np.where(low, (profile.rest + small) / (model.within_df + groups), scale)
    both = large <= scale * groups
    return matrix(
        np.where(both, 0.0, large / (groups * scale) - 1),
        np.where(low | both, 0.0, small / (groups * scale) - 1),
        direction,
    )
