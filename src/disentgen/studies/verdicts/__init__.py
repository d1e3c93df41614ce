"""Runs beside a study: which follow its rows, what of them is compared, what decides a claim."""
