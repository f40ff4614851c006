"""Random-intercept and random-slope models of many data sets: fits by REML, and what is known of their variances.

The fits are those of `fewgroups.batch`, for an intercept and one 0/1 column. In units of the residual variance and in
orthonormal columns X, group i has V = I + XΨXᵀ, G = XᵀX and W = XᵀV⁻¹X = (I + GΨ)⁻¹G. With dV/dγⱼ = Gⱼ, which is
XEⱼXᵀ for an entry of Ψ and I for σ², follows GⱼV⁻¹X = XDⱼ, where Dⱼ is EⱼW or I − ΨW. So all that degrees of freedom
need of a group are products of 2 × 2 matrices, such as XᵀV⁻¹GⱼV⁻¹X = WDⱼ; outside of the columns of X, in the residuals
around the group's own line, V = I. Groups with the same G share all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.intercepts import intercept_model
from fewgroups.batch.layouts import Layout
from fewgroups.batch.slopes import SlopeModel, slope_model
from fewgroups.blocks import derivatives
from fewgroups.ddf import Information

Array = np.ndarray


@dataclass(frozen=True)
class MixedModel:
    """REML fits of one model to n data sets; where one is not `solved` there is no maximum, and its numbers are
    placeholders.

    scale: (n,) σ²; solved, singular: (n,); information: in units of σ², but for the coefficients.
    """

    scale: Array
    solved: Array
    singular: Array
    information: Information

    @classmethod
    def of(cls, layout: Layout, cells: CellStatistics, slopes: bool) -> MixedModel:
        """Fit all data sets; `slopes` gives groups changes that differ, correlated with their levels."""
        lines = slope_model(layout, reml=True, estimable=slopes)
        model = lines if slopes else intercept_model(layout, reml=True)
        found = model.fit(cells)
        solved, singular = found["solved"], found["singular"] & found["solved"]
        return cls(found["scale"], solved, singular, _information(lines, cells, found))


def _information(model: SlopeModel, cells: CellStatistics, fits: dict[str, Array]) -> Information:
    """The information at the fits' Ψ/σ² (q, q, n), of the first q columns, and σ² (n,).

    In einsum r and s are parameters of V, p kinds of groups, n data sets.
    """
    psi, scale, q = fits["psi"], fits["scale"], len(fits["psi"])
    Z = model.R[:, :q]  # the random effects' columns among the orthonormal ones
    centre, profile = model.profile(cells)
    profile = profile.with_placeholders(fits["solved"])
    psi_X = np.einsum("ai,ijn,bj->abn", Z, psi, Z)
    at = profile.at(psi_X)
    W, m = at.weights, profile.multiplicity[:, None]
    E = Z @ derivatives(-1 - np.arange(q), q, 0) @ Z.T
    by_scale = np.eye(2)[:, :, None, None] - np.einsum("ijn,jkpn->ikpn", psi_X, W)
    D = np.concatenate([np.einsum("rij,jkpn->rikpn", E, W), by_scale[None]])
    WD = np.einsum("ijpn,rjkpn->rikpn", W, D)
    sums, squares = profile.deviations(at.beta)  # of the groups' lines from the fixed effects
    WDS = np.einsum("rijpn,jkpn->rikpn", WD, squares / scale)
    P = -(m * WD).sum(axis=-2)
    Q = np.einsum("rijpn,sjkpn->rsikn", m * WD, D)
    traces = np.einsum("rijpn,sjipn->rsn", m * D, D)
    quadratic = np.einsum("rjipn,sjipn->rsn", D, WDS)
    gradient = np.einsum("riipn->rn", m * D - WDS)
    half = np.einsum("rijpn,jpn->rin", WD, sums) / np.sqrt(scale)
    # The residuals around the groups' own lines; where rows tell nothing of a direction, D has counted it already.
    df, rest = model.layout.rows - 2 * model.layout.groups, profile.rest / scale
    traces[-1, -1] += df
    quadratic[-1, -1] += rest
    gradient[-1] += df - rest

    every = (at.inverse, P, Q, traces, quadratic, gradient, half, psi)
    phi, P, Q, traces, quadratic, gradient, half, psi = (np.moveaxis(x, -1, 0) for x in every)
    phi_P = phi[:, None] @ P
    fixed = 2 * np.einsum("nab,nrsba->nrs", phi, Q) - np.einsum("nrab,nsba->nrs", phi_P, phi_P)
    return Information(
        fixed=np.linalg.inv(model.R),
        random=np.eye(q),
        cov_re=psi,
        vcomp=np.zeros((len(psi), 0)),
        scale=np.ones(len(psi)),
        phi=phi,
        beta=(centre + at.beta).T,
        P=P,
        Q=Q,
        traces=traces,
        expected=traces - fixed,
        gradient=gradient + np.einsum("nraa->nr", phi_P),
        hessian=2 * (quadratic - half @ phi @ half.swapaxes(1, 2)) - traces + fixed,
        loglik=fits["loglik"],
    )
