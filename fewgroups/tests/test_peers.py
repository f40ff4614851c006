"""Fresh data, fitted by two other packages as well: kamino-lme (fits, degrees of freedom) and mixedlm-rs (fits).

Where a variance is zero or a correlation ±1 both may stop short of the optimum; there, only that is compared.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from fewgroups import coefficients, fit

pytestmark = pytest.mark.full


def drawn(seed: int) -> pd.DataFrame:
    """A few groups g with slopes for x, uneven, each with parts, in other units every time."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(4, 15, rng.integers(4, 12))
    g = np.repeat(np.arange(len(sizes)), sizes)
    part, item = rng.integers(0, 3, len(g)), rng.integers(0, 6, len(g))
    unit, x = 10 ** rng.uniform(-2, 2), rng.normal(2, 1, len(g))
    own = rng.normal(size=(len(sizes), 2)) * rng.uniform(0.2, 1, 2)
    effects = own[g, 0] + own[g, 1] * x + rng.normal(size=(len(sizes), 3))[g, part] / 2
    y = unit * (effects + 0.3 * x + rng.normal(size=6)[item] / 2 + rng.normal(size=len(g)))
    labels = {"g": g, "part": part, "item": item}
    return pd.DataFrame(
        {name: [f"{name}{k}" for k in codes] for name, codes in labels.items()}
    ).assign(x=x, y=y)


FORMS = {  # groups, re_formula, vc_formula, and kamino's formula
    "intercepts": ("g", "~1", None, "(1 | g)"),
    "slopes": ("g", "~x", None, "(1 + x | g)"),
    "nested": ("g", "~1", {"part": "0 + C(part)"}, "(1 | g/part)"),
    "crossed": ("all", None, {"g": "0 + C(g)", "item": "0 + C(item)"}, "(1 | g) + (1 | item)"),
}


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize("name", FORMS)
def test_fits_and_degrees_of_freedom_are_those_of_two_other_packages(name: str, reml: bool) -> None:
    import kamino
    import mixedlm_rs

    judged, (groups, random, components, form) = 0, FORMS[name]
    for seed in range(20):
        data = drawn(seed).assign(all=1)
        ours = fit("y ~ x", data, groups, random, components, reml=reml)
        theirs = kamino.lmer(f"y ~ x + {form}", data, reml=reml)
        reached = [theirs.log_likelihood]
        if not components:
            rust = mixedlm_rs.mixedlm("y ~ x", data, groups="g", re_formula=random).fit(reml=reml)
            reached.append(rust.llf)
        short = ours.report.loglik - np.array(reached)
        assert np.all(short > -1e-6)
        if ours.report.singular and not components:
            continue
        assert np.all(short < 1e-4)
        assert_allclose(ours.fe_params / ours.bse_fe, theirs.beta / ours.bse_fe, atol=1e-3)
        assert_allclose(ours.scale, theirs.sigma2, rtol=1e-3)
        if components:
            continue
        se, size = rust.bse_fe, np.sqrt(np.diag(np.atleast_2d(rust.cov_re)).max())
        assert_allclose(ours.fe_params / se, rust.fe_params / se, atol=1e-3)
        assert_allclose(ours.cov_re / size**2, rust.cov_re / size**2, atol=1e-3)
        for ddf in ["satterthwaite", "kenward-roger"] if reml else ["satterthwaite"]:
            tests = theirs.kenward_roger() if "-" in ddf else theirs.satterthwaite()
            found = tests.test([0.0, 1.0])
            if found.available:
                row = coefficients(ours, ddf=ddf).loc["x"]
                assert_allclose(row["df"], found.denominator_df, rtol=2e-3)
                assert_allclose(row["p"], found.p_value, rtol=5e-3)
                judged += 1
    assert judged >= 10 or components
