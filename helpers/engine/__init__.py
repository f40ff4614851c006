"""Profiled (RE)ML likelihoods: of one data set with any random effects, and of many data sets of one layout at once."""

from helpers.engine.batches import Fits, fit_many

__all__ = ["Fits", "fit_many"]
