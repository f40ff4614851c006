"""What may be concluded from one data set: degrees of freedom, intervals, tests of the fixed effects, variances."""

from .checks import NotAtOptimumWarning
from .comparison import Comparison, compare
from .components import variances
from .fixed_effects import coefficients, f_tests
from .resampling import Bootstrap, bootstrap, simulate_from

__all__ = [
    "Bootstrap",
    "Comparison",
    "NotAtOptimumWarning",
    "bootstrap",
    "coefficients",
    "compare",
    "f_tests",
    "simulate_from",
    "variances",
]
