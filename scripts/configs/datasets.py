"""Datasets: every specification of the library is a named configuration."""

from disentgen.dataset.spec import load_specs

DATASETS = {name: {"name": name} for name in load_specs()}

#: For tests and for trying things out; may stand beside a dataset.
SMALL = {"fast": {"source": "stand-in", "validation": 0.001}}
