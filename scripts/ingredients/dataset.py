"""The dataset, and the combinations of its factors that are held out."""

from typing import Any

from configs.datasets import SMALL, list_datasets
from disentgen.paths import data_folder
from ingredients.section import Section
from sacred_compat import Run


def dataset_ingredient(family: str, **defaults: Any) -> Section:
    """The ``dataset`` section of an experiment.

    Args:
        family: of its models.
        defaults: of this experiment, where they differ from the library's.
    """
    section = Section(
        "dataset", family, list_datasets, SMALL, required=("name", "file"), **defaults
    )

    @section.command(unobserved=True)
    def show(_run: Run) -> None:
        """Print factors and sides of the split, draw examples of each side, count duplicates."""
        from disentgen.dataset.duplicates import count_duplicates, find_duplicates
        from disentgen.dataset.pictures import save_sides
        from disentgen.dataset.summary import describe_dataset, describe_duplicates
        from disentgen.training.config import Config

        dataset = Config.read(_run.config, complete=False).open_dataset()
        print(describe_dataset(dataset))
        print(f"examples: {save_sides(dataset, data_folder() / 'results')}", flush=True)
        counts = count_duplicates(dataset.split, find_duplicates(dataset))
        print(describe_duplicates(counts, dataset.split.describe()))

    return section
