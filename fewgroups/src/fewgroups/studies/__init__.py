"""What may be concluded from thousands of data sets: tests under the same truth, and plans for a study."""

from fewgroups.studies.experiments import monte_carlo
from fewgroups.studies.planning import design_grid, power

__all__ = ["design_grid", "monte_carlo", "power"]
