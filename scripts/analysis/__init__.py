"""Command lines over finished runs."""
