"""What may be concluded from one data set: degrees of freedom, intervals, tests of the fixed effects, variances."""

from .checks import NotAtOptimumWarning
from .components import variances
from .fixed_effects import coefficients, f_tests

__all__ = ["NotAtOptimumWarning", "coefficients", "f_tests", "variances"]
