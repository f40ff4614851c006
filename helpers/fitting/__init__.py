"""A statsmodels mixed model that stands on its true optimum, and says so."""

from helpers.fitting.fits import FitReport, fit

__all__ = ["FitReport", "fit"]
