"""The configuration of a training, read once: checked, normalised, and what its keys mean."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from disentgen.cores import available_threads
from disentgen.dataset.build import Dataset, build_dataset, open_images
from disentgen.dataset.originals.conversions import find_array
from disentgen.dataset.originals.find import require_original
from disentgen.dataset.originals.verify import check_layout
from disentgen.dataset.own.choose import choose_spec
from disentgen.dataset.spec import DatasetSpec
from disentgen.dataset.split import Split
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Model, build_model
from disentgen.registry import choose
from disentgen.schema import Key, Name, check, convert, describe_keys, flatten, plain
from disentgen.training.baseline import complete_saved
from disentgen.training.checks import check_batch_size, check_largest_tensor, check_memory
from disentgen.training.loggers import check_loggers
from disentgen.training.losses import Loss, build_loss
from disentgen.training.machine import check_device, choose_device
from disentgen.training.origins import OF_PLUGINS, check_named, list_needed
from disentgen.training.sections import (
    NOT_OF_THE_PROCESS,
    check_sections,
    open_split,
    read_dataset,
    read_training,
)
from disentgen.training.settings import ProcessSettings, TrainingSettings


@dataclass(frozen=True)
class Config:
    """All that says what a training is: read by :meth:`read`, which is the only check of it.

    Args:
        experiment: the name that runs of its kind are kept under; None for the library alone.
        family: of the model.
        dataset: the ``dataset`` section, checked: parameters of :func:`build_dataset`.
        model: the ``model`` section, checked: parameters of the family's builder.
        training: the ``training`` section.
        seed: of weights, batches and noise.
        device: ``auto`` (``cuda`` where there is one, else ``cpu``), ``cpu``, ``cuda`` or ``mps``.
        threads: of the CPU.
    """

    experiment: str | None
    family: str
    dataset: Mapping[str, Any]
    model: Mapping[str, Any]
    training: TrainingSettings
    seed: int
    device: str
    threads: int

    def __repr__(self) -> str:
        dataset = " ".join(
            str(self.dataset[key])
            for key in ("name", "version", "variant", "held_out", "split")
            if self.dataset[key] is not None
        )
        model = f"{self.family} {self.model.get('name') or ''}".strip()
        return f"Config({dataset}, {model}, {self.training.loss.name}, seed={self.seed})"

    @classmethod
    def read(cls, given: Mapping[str, Any], complete: bool = True) -> "Config":
        """Check a configuration and fill in its defaults, without images and without memory.

        Args:
            given: the sections ``dataset``, ``model`` (with its ``family``), ``training``, and
                whatever of ``experiment``, ``seed``, ``device``, ``threads`` is not the default.
            complete: check too that a training can be made of it: that dataset and layers are
                named and fit each other, the split, the objective. Commands that only show a part
                leave this out.

        Raises:
            UsageError: a key or value that is not accepted.
            DataFileError: the published file is wanted, and is not there or not laid out as it.
        """
        check_sections(given)
        plugins = convert("plugins", list[Name] | None, given.get("plugins")) or []
        check_named({**given, "plugins": plugins})
        model = dict(given.get("model", {}))
        family = model.pop("family", None)
        if family is None:
            raise UsageError(f"model.family is missing; accepted: {', '.join(FAMILIES)}.")
        kind = choose("model family (model.family)", family, FAMILIES)
        beside = {key: value for key, value in given.items() if key not in NOT_OF_THE_PROCESS}
        process = ProcessSettings(**check("", ProcessSettings, beside))
        check_device(process.device)
        config = cls(
            experiment=convert("experiment", Name | None, given.get("experiment")),
            family=family,
            dataset=read_dataset(given.get("dataset", {})),
            model=kind.read_section(model),
            training=read_training(given.get("training", {}), family),
            seed=secrets.randbelow(2**31) if process.seed is None else process.seed,
            device=process.device,
            threads=process.threads or available_threads(),
        )
        if complete:
            config.check_whole()
        return config

    @classmethod
    def read_saved(
        cls, saved: Mapping[str, Any], experiment: str | None = None, family: str | None = None
    ) -> "Config":
        """Read a configuration that a run has saved, perhaps long ago.

        A key that it lacks means what was in force before the key came in.

        Args:
            saved: the content of ``config.json``.
            experiment: what the run is of, where the configuration does not say it.
            family: of its model, likewise.

        Raises:
            UsageError: it cannot be read by this version.
        """
        check_sections(saved)
        return cls.read(complete_saved(saved, experiment, family), complete=False)

    def plain(self) -> dict[str, Any]:
        """The configuration as plain data: what ``config.json`` holds, and what reads as itself."""
        settings = {
            "experiment": self.experiment,
            "dataset": plain(build_dataset, self.dataset),
            "model": {"family": self.family, **plain(FAMILIES[self.family].build, self.model)},
            "training": plain(TrainingSettings, vars(self.training)),
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
        }
        needed = list_needed(settings)
        return settings | ({"plugins": needed} if needed else {})

    @cached_property
    def spec(self) -> DatasetSpec:
        """What is known of the dataset."""
        return choose_spec(self.dataset)

    @cached_property
    def split(self) -> Split:
        """The sides of the dataset's grid; needs no images."""
        return open_split(self.dataset)

    def open_dataset(self) -> Dataset:
        """The dataset with its split and its images."""
        given = self.dataset
        images = open_images(self.spec, given["root"], given["source"], given["drawing"])
        row = self.spec.choose_variant(given["condition"], given["variant"])
        scale = given["factor_scale"]
        return Dataset(self.spec, self.split, *images, scale, row, settings=given)

    def build_model(self) -> Model:
        """A new model for the images of the dataset."""
        shape, count = self.spec.image_shape, len(self.spec.grid.sizes)
        return build_model(self.family, shape, count, self.model, self.factor_values)

    @property
    def factor_values(self) -> dict[str, tuple[float, ...]]:
        """By factor, the values of its classes, as models are given them."""
        return self.spec.grid.list_values(self.dataset["factor_scale"] == "standardised")

    def build_loss(self, model: Model) -> Loss:
        """The objective for a model."""
        choice = self.training.loss
        return build_loss(choice.name, choice.params, model, choice.reconstruction, choice.pair_kl)

    def flat(self) -> dict[str, tuple[Any, Key]]:
        """Every setting as plain data with what its key means, by the key's name with dots."""
        return mark_keys(self.plain())

    def check_whole(self) -> None:
        """Check whether the sections fit each other.

        Parameters stand on torch's meta device meanwhile: shapes without memory.

        Raises:
            UsageError, DataFileError: see :meth:`read`.
        """
        choose_device(self.device, self.training.precision)
        check_loggers(self.training.loggers)
        if self.dataset["source"] != "original":
            self.spec.check_drawing(self.dataset["drawing"])
        if self.dataset["source"] == "original" and self.spec.array is None:
            path = require_original(self.spec, self.dataset["root"])
            if find_array(self.spec, path) is None:  # a file that is known was looked at before
                check_layout(self.spec, path)
        with torch.device("meta"):
            model = self.build_model()
            loss = self.build_loss(model)
        check_memory(model, loss)
        check_batch_size(self.training.batch_size, self.split, model, loss)
        check_largest_tensor(model, self.training.batch_size)


def mark_keys(settings: Mapping[str, Any]) -> dict[str, tuple[Any, Key]]:
    """Every setting with what its key means, by the key's name with dots.

    Nested ones mean what their parent does; those of a family of models that is not there
    distinguish cells.

    Args:
        settings: of :meth:`Config.plain`.
    """
    family = FAMILIES.get(settings["model"]["family"])
    targets: dict[str, Callable[..., Any]] = {
        "dataset.": build_dataset,
        **({"model.": family.build} if family is not None else {}),
        "training.": TrainingSettings,
        "": ProcessSettings,
    }
    keys = {"plugins": OF_PLUGINS} | {
        prefix + name: key
        for prefix, target in targets.items()
        for name, key in describe_keys(target).items()
    }
    return {
        name: (value, keys.get(name) or keys.get(".".join(name.split(".")[:2]), Key()))
        for name, value in flatten(settings).items()
    }
