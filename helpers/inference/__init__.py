"""What may be concluded from one data set: degrees of freedom, intervals, tests of the fixed effects."""

from .checks import NotAtOptimumWarning
from .fixed_effects import coefficients, f_tests

__all__ = ["NotAtOptimumWarning", "coefficients", "f_tests"]
