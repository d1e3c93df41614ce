"""Renderers of the three-dimensional stand-ins, and what they share."""
