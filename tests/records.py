"""Records are values: nobody changes one that others hold."""

import dataclasses
import importlib
import pkgutil
from types import ModuleType


def list_changeable(package: ModuleType) -> set[str]:
    """Names of the data classes of a package whose fields can be changed after they are made."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    return {
        kind.__name__
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        and dataclasses.is_dataclass(kind)
        and kind.__module__.startswith(package.__name__)
        and not kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    }
