"""Renderers of datasets that are drawn: there is no file that they stand in for."""
