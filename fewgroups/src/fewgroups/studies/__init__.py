"""Monte-Carlo studies of small designs: what each test does in thousands of experiments, and power for planning."""

from fewgroups.studies.experiments import monte_carlo
from fewgroups.studies.planning import design_grid, power

__all__ = ["design_grid", "monte_carlo", "power"]
