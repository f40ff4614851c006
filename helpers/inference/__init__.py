"""What may be concluded from one data set: degrees of freedom, intervals, tests, variances, predictions."""

from .checks import NotAtOptimumWarning
from .comparison import Comparison, compare
from .components import variances
from .fixed_effects import coefficients, f_tests
from .prediction_intervals import predictions
from .resampling import Bootstrap, bootstrap, simulate_from

__all__ = [
    "Bootstrap",
    "Comparison",
    "NotAtOptimumWarning",
    "bootstrap",
    "coefficients",
    "compare",
    "f_tests",
    "predictions",
    "simulate_from",
    "variances",
]
