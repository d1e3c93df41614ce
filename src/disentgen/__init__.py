"""disent-and-gen: disentangled generative models under combinatorial generalisation.

What most programs need stands here, and is loaded when it is first asked for::

    import disentgen

    runs = disentgen.find_runs(status="COMPLETED")
    run = disentgen.open_run("disent/1")
    run.results["scores"], run.model
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disentgen.analysis.metrics import load_metrics
    from disentgen.dataset.build import Dataset, build_dataset
    from disentgen.dataset.spec import find_spec, load_specs
    from disentgen.dataset.split import Split
    from disentgen.dataset.views import View
    from disentgen.errors import (
        DataFileError,
        DisentgenError,
        DivergenceError,
        RunningError,
        UsageError,
    )
    from disentgen.evaluating import evaluate
    from disentgen.export.reading import load_exported
    from disentgen.export.writing import export_run
    from disentgen.fitting import fit
    from disentgen.models import Model, build_model
    from disentgen.registry import use_plugin
    from disentgen.run_directory import RunDirectory
    from disentgen.runs import Run, find_runs, open_run
    from disentgen.training.config import Config
    from disentgen.training.run import train

#: Moves with every change of a result. Every run and every measurement records it.
__version__ = "0.2.0"

#: Where each name stands: type checkers and editors read the imports above, Python this table.
_MODULES = {
    "Config": "disentgen.training.config",
    "DataFileError": "disentgen.errors",
    "Dataset": "disentgen.dataset.build",
    "DisentgenError": "disentgen.errors",
    "DivergenceError": "disentgen.errors",
    "Model": "disentgen.models",
    "Run": "disentgen.runs",
    "RunDirectory": "disentgen.run_directory",
    "RunningError": "disentgen.errors",
    "Split": "disentgen.dataset.split",
    "UsageError": "disentgen.errors",
    "View": "disentgen.dataset.views",
    "build_dataset": "disentgen.dataset.build",
    "build_model": "disentgen.models",
    "evaluate": "disentgen.evaluating",
    "export_run": "disentgen.export.writing",
    "find_runs": "disentgen.runs",
    "find_spec": "disentgen.dataset.spec",
    "fit": "disentgen.fitting",
    "load_exported": "disentgen.export.reading",
    "load_metrics": "disentgen.analysis.metrics",
    "load_specs": "disentgen.dataset.spec",
    "open_run": "disentgen.runs",
    "train": "disentgen.training.run",
    "use_plugin": "disentgen.registry",
}

__all__ = [
    "Config",
    "DataFileError",
    "Dataset",
    "DisentgenError",
    "DivergenceError",
    "Model",
    "Run",
    "RunDirectory",
    "RunningError",
    "Split",
    "UsageError",
    "View",
    "__version__",
    "build_dataset",
    "build_model",
    "evaluate",
    "export_run",
    "find_runs",
    "find_spec",
    "fit",
    "load_exported",
    "load_metrics",
    "load_specs",
    "open_run",
    "train",
    "use_plugin",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562): torch takes seconds to start."""
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
