"""The objective and the protocol of training."""

from collections.abc import Mapping
from typing import Any

from configs.training import PROTOCOLS
from ingredients.section import Section
from sacred_compat import Run


def training_ingredient(
    family: str, losses: Mapping[str, Mapping[str, Any]], **defaults: Any
) -> Section:
    """The ``training`` section of an experiment.

    Args:
        family: of its models.
        losses: named configurations of which a run takes at most one.
        defaults: of this experiment, where they differ from the library's.
    """
    section = Section("training", family, lambda: losses, PROTOCOLS, **defaults)

    @section.command(unobserved=True)
    def show(_run: Run) -> None:
        """Print the objective's formula and its parameters, and the protocol."""
        from disentgen.training.config import Config
        from disentgen.training.console import describe_training

        print(describe_training(Config.read(_run.config, complete=False)))

    return section
