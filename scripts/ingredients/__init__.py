"""Factories of Sacred ingredients: defaults, named configurations, a ``show`` command each."""
