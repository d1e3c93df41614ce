"""The model, from lists of layers."""

from collections.abc import Mapping
from typing import Any

from ingredients.section import Section
from sacred_compat import Run


def model_ingredient(
    family: str,
    architectures: Mapping[str, Mapping[str, Any]],
    required: str = "encoder",
    **defaults: Any,
) -> Section:
    """The ``model`` section of an experiment.

    Args:
        family: of its models.
        architectures: named configurations of which a run takes one.
        required: the key that an architecture must set.
        defaults: of this experiment, where they differ from the library's.
    """
    section = Section("model", family, lambda: architectures, {}, required=(required,), **defaults)

    @section.command(unobserved=True)
    def show(_run: Run) -> None:
        """Print the model's layers with their shapes and parameters."""
        from disentgen.models.summary import describe_model
        from disentgen.training.config import Config

        print(describe_model(Config.read(_run.config, complete=False).build_model()))

    return section
