"""Honest inference for mixed models with few groups, for statsmodels' MixedLM.

`fit` gives a MixedLMResults at the true optimum; `coefficients`, `f_tests`, `variances`, `predictions`, `compare`,
`bootstrap`, `explain` and `report` take any `smf.mixedlm(...).fit()`; `fit_many`, `simulate_many`, `monte_carlo` and
`power` do it for thousands of data sets. Each name is loaded when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewgroups.batch import Fits, fit_many
    from fewgroups.comparison import Bootstrap, Comparison, bootstrap, compare, simulate_from
    from fewgroups.components import variances
    from fewgroups.designs import Design, Truth, simulate, simulate_many
    from fewgroups.explanation import Caution, Explanation, Report, explain, report
    from fewgroups.fitting import FitReport, fit
    from fewgroups.fixed_effects import coefficients, f_tests
    from fewgroups.likelihood import NotAtOptimumWarning
    from fewgroups.prediction import predictions
    from fewgroups.studies import design_grid, monte_carlo, power

_MODULES = {
    "batch": ("Fits", "fit_many"),
    "comparison": ("Bootstrap", "Comparison", "bootstrap", "compare", "simulate_from"),
    "components": ("variances",),
    "designs": ("Design", "Truth", "simulate", "simulate_many"),
    "explanation": ("Caution", "Explanation", "Report", "explain", "report"),
    "fitting": ("FitReport", "fit"),
    "fixed_effects": ("coefficients", "f_tests"),
    "likelihood": ("NotAtOptimumWarning",),
    "prediction": ("predictions",),
    "studies": ("design_grid", "monte_carlo", "power"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fewgroups' has no attribute {name!r}")
    value = getattr(import_module(f"fewgroups.{_HOME[name]}"), name)
    globals()[name] = value  # the next access finds it at once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
