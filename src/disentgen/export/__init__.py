"""Models that leave their run: weights as safetensors, a configuration, a model card."""

from disentgen.export.files import CONFIG, WEIGHTS
from disentgen.export.reading import load_exported
from disentgen.export.writing import export_run

__all__ = ["CONFIG", "WEIGHTS", "export_run", "load_exported"]
