"""What may be concluded from thousands of data sets: tests under the same truth, and plans for a study."""

from .experiments import monte_carlo
from .planning import design_grid, power

__all__ = ["design_grid", "monte_carlo", "power"]
