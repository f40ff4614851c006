"""Profiled (RE)ML likelihoods: of one data set with any random effects, and of many data sets of one layout at once."""

from fewgroups.batch.fits import Fits, fit_many

__all__ = ["Fits", "fit_many"]
