"""Datasets: every specification of the library and of plugins is a named configuration."""

from typing import Any

from disentgen.dataset.spec import load_specs

#: For tests and for trying things out; may stand beside a dataset.
SMALL = {"fast": {"source": "stand-in", "validation": 0.001}}


def list_datasets() -> dict[str, dict[str, Any]]:
    """Named configurations of all datasets that there are by now."""
    return {name: {"name": name} for name in load_specs()}
