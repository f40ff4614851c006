"""Answer keys, hints and classic slips, one module a lesson; the keys of the two forms."""
