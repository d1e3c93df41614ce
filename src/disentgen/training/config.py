"""Reading a configuration: checked section by section, and all at once before any work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from disentgen.dataset import Dataset, build_dataset, build_split
from disentgen.dataset.build import choose_source
from disentgen.dataset.files import raw_folder
from disentgen.dataset.spec import find_spec
from disentgen.dataset.split import Split
from disentgen.models import FAMILIES, FROM_DATASET, Model, build_model
from disentgen.registry import check, choose, defaults, plain
from disentgen.training.losses import check_judged
from disentgen.training.settings import (
    TrainingSettings,
    available_threads,
    check_optimizer,
    choose_device,
)

Config = dict[str, Any]
SECTIONS = ("dataset", "model", "training")

#: Keys of the dataset section that do not concern the split.
IMAGES_ONLY = ("root", "source", "factor_scale")


@dataclass(frozen=True)
class ProcessSettings:
    """What stands beside the sections.

    Args:
        seed: of weights, batches and noise.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: of the CPU; by default one for each core that the process may use.
    """

    seed: Annotated[int, Field(ge=0)]
    device: str = "auto"
    threads: Annotated[int, Field(ge=1)] | None = None

    def resolve_threads(self) -> int:
        """The number of threads that is meant on this machine."""
        return self.threads or available_threads()


def section_target(section: str, family: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The signature that a section is checked against, and what of it a user cannot set."""
    if section == "model":
        return choose("model family", family, FAMILIES).build, FROM_DATASET
    targets: dict[str, Callable[..., Any]] = {
        "dataset": build_dataset,
        "training": TrainingSettings,
    }
    return targets[section], ()


def section_defaults(section: str, family: str) -> Config:
    """The defaults of a section as plain data."""
    return defaults(section_target(section, family)[0])


def resolve_section(section: str, family: str, given: Mapping[str, Any]) -> Config:
    """A section, checked, with all defaults filled in, as plain data.

    Raises:
        UsageError: a key or value that the section's signature does not accept.
    """
    target, supplied = section_target(section, family)
    checked = check(section, target, given, supplied)
    if section == "training":
        settings = TrainingSettings(**checked)
        check_optimizer(settings)
        check_judged(settings.loss.name, FAMILIES[family].output)
        checked["loss"] = replace(settings.loss, params=settings.resolve_loss())
    if section == "dataset":
        checked |= _pin_images(checked)
    return plain(target, checked)


def _pin_images(checked: Mapping[str, Any]) -> Config:
    """Which images a dataset section means here and now, so that a saved one always means them."""
    root = checked["root"] and str(raw_folder(checked["root"]))
    if checked["name"] is None:
        return {"root": root}
    spec = find_spec(checked["name"], checked["version"])
    source = choose_source(spec, root, checked["source"])
    return {"version": spec.version, "root": root, "source": source}


def read_process_settings(config: Mapping[str, Any]) -> ProcessSettings:
    """Seed, device and threads of a configuration, checked."""
    rest = {key: value for key, value in config.items() if key not in SECTIONS}
    settings = ProcessSettings(**check("configuration", ProcessSettings, rest))
    choose_device(settings.device)
    return settings


def read_training_settings(config: Mapping[str, Any]) -> TrainingSettings:
    """The ``training`` section as an object."""
    return TrainingSettings(**check("training", TrainingSettings, config["training"]))


def open_dataset(config: Mapping[str, Any]) -> Dataset:
    """The dataset and split of a configuration."""
    return build_dataset(**check("dataset", build_dataset, config["dataset"]))


def open_split(config: Mapping[str, Any]) -> Split:
    """The split of a configuration, without its images."""
    section = check("dataset", build_dataset, config["dataset"])
    spec = find_spec(section.pop("name"), section.pop("version"))
    return build_split(spec, **{k: v for k, v in section.items() if k not in IMAGES_ONLY})


def open_model(config: Mapping[str, Any], family: str) -> Model:
    """A new model of a configuration, for the images of its dataset."""
    spec = find_spec(config["dataset"]["name"], config["dataset"]["version"])
    return build_model(family, spec.tensor_shape, len(spec.grid.sizes), config["model"])
