"""The configuration of a training, read once: checked, normalised, and what its keys mean."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

import torch
from pydantic import Field

from disentgen.dataset.build import Dataset, build_dataset, build_split, choose_source, open_images
from disentgen.dataset.originals.find import raw_folder, require_original
from disentgen.dataset.originals.verify import check_layout
from disentgen.dataset.spec import DatasetSpec, find_spec
from disentgen.dataset.split import Split
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, FROM_DATASET, LAYER_LISTS, Model, build_model
from disentgen.models.families.composer import resolve_mixer
from disentgen.models.layers import normalise_layers
from disentgen.models.outputs import Output
from disentgen.registry import choose, unknown
from disentgen.schema import Key, check, defaults, describe_keys, flatten, merge, plain
from disentgen.training.baseline import list_lacking
from disentgen.training.checks import check_batch_size, check_memory
from disentgen.training.losses import PairKL, build_loss, check_judged, losses
from disentgen.training.machine import available_threads, check_device, choose_device
from disentgen.training.optimizers import resolve_optimizer
from disentgen.training.settings import TrainingSettings

SECTIONS = ("dataset", "model", "training")


@dataclass(frozen=True)
class ProcessSettings:
    """What stands beside the sections.

    Args:
        seed: of weights, batches and noise; drawn where none is given.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: of the CPU; by default one for each core that the process may use.
    """

    # Sacred draws from NumPy's generator too, which takes no larger one.
    seed: Annotated[
        Annotated[int, Field(ge=0, lt=2**32, strict=True)] | None, Key(tells_apart=False)
    ] = None
    device: Annotated[str, Key(tells_apart=False, may_change=True)] = "auto"
    threads: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None, Key(tells_apart=False, may_change=True)
    ] = None


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
        device: ``auto``, ``cpu`` or ``cuda``.
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
            for key in ("name", "version", "variant", "held_out")
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
        model = dict(given.get("model", {}))
        family = model.pop("family", None)
        if family is None:
            raise UsageError(f"model.family is missing; accepted: {', '.join(FAMILIES)}.")
        builder = choose("model family (model.family)", family, FAMILIES).build
        process = ProcessSettings(
            **check("", ProcessSettings, {k: v for k, v in given.items() if k not in _BESIDE})
        )
        check_device(process.device)
        config = cls(
            experiment=given.get("experiment"),
            family=family,
            dataset=_read_dataset(given.get("dataset", {})),
            model=_read_model(builder, model),
            training=_read_training(given.get("training", {}), family),
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
        sections = dict(saved)
        sections.setdefault("experiment", experiment)
        sections["model"] = {"family": family, **saved.get("model", {})}
        return cls.read(
            merge(list_lacking(saved, sections["model"]["family"]), sections), complete=False
        )

    def plain(self) -> dict[str, Any]:
        """The configuration as plain data: what ``config.json`` holds, and what reads as itself."""
        return {
            "experiment": self.experiment,
            "dataset": plain(build_dataset, self.dataset),
            "model": {"family": self.family, **plain(FAMILIES[self.family].build, self.model)},
            "training": plain(TrainingSettings, vars(self.training)),
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
        }

    @cached_property
    def spec(self) -> DatasetSpec:
        """What is known of the dataset."""
        return find_spec(self.dataset["name"], self.dataset["version"])

    @cached_property
    def split(self) -> Split:
        """The sides of the dataset's grid; needs no images."""
        return open_split(self.dataset)

    def open_dataset(self) -> Dataset:
        """The dataset with its split and its images."""
        given = self.dataset
        images = open_images(self.spec, given["root"], given["source"])
        row = self.spec.choose_variant(given["condition"], given["variant"])
        return Dataset(self.spec, self.split, *images, given["factor_scale"], row)

    def build_model(self) -> Model:
        """A new model for the images of the dataset."""
        shape, count = self.spec.image_shape, len(self.spec.grid.sizes)
        return build_model(self.family, shape, count, self.model)

    def describe_keys(self) -> dict[str, Key]:
        """What each key means, by its name with dots; of nested ones by that of their parent."""
        targets: dict[str, Callable[..., Any]] = {
            "dataset.": build_dataset,
            "model.": FAMILIES[self.family].build,
            "training.": TrainingSettings,
            "": ProcessSettings,
        }
        return {
            prefix + name: key
            for prefix, target in targets.items()
            for name, key in describe_keys(target).items()
        }

    def flat(self) -> dict[str, tuple[Any, Key]]:
        """Every setting as plain data with what its key means, by the key's name with dots."""
        keys = self.describe_keys()
        return {
            name: (value, keys.get(name) or keys.get(".".join(name.split(".")[:2]), Key()))
            for name, value in flatten(self.plain()).items()
        }

    def check_whole(self) -> None:
        """Check what only the sections together can tell.

        Parameters stand on torch's meta device meanwhile: shapes without memory.

        Raises:
            UsageError, DataFileError: see :meth:`read`.
        """
        choose_device(self.device)
        if self.dataset["source"] == "original":
            check_layout(self.spec, require_original(self.spec, self.dataset["root"]))
        with torch.device("meta"):
            model = self.build_model()
            choice = self.training.loss
            loss = build_loss(
                choice.name, choice.params, model, choice.reconstruction, choice.pair_kl
            )
        check_memory(model, loss)
        check_batch_size(self.training.batch_size, self.split, model, loss)


#: Keys that are no settings of the process.
_BESIDE = (*SECTIONS, "experiment")
KEYS = (*_BESIDE, *describe_keys(ProcessSettings))


def open_split(section: Mapping[str, Any]) -> Split:
    """The split that a checked ``dataset`` section means."""
    keys = describe_keys(build_dataset)
    words = {name: value for name, value in section.items() if keys[name].split}
    return build_split(find_spec(section["name"], section["version"]), **words)


def check_sections(given: Mapping[str, Any]) -> None:
    """Check that a configuration has no keys but those that there are, and sections where due.

    Raises:
        UsageError: it has others.
    """
    for name in given:
        if name not in KEYS:
            raise unknown("configuration key", name, KEYS)
    for section in SECTIONS:
        found = given.get(section, {})
        if not isinstance(found, Mapping):
            raise UsageError(f"{section}={found!r}: '{section}' is a section of settings.")
        if word := found.get(""):  # how Sacred hands on section=word
            raise UsageError(f"{section}={word}: '{section}' is a section; write {section}.{word}.")


def section_defaults(section: str, family: str) -> dict[str, Any]:
    """The defaults of a section as plain data."""
    if section == "model":
        return {"family": family, **defaults(choose("model family", family, FAMILIES).build)}
    targets: dict[str, Callable[..., Any]] = {
        "dataset": build_dataset,
        "training": TrainingSettings,
    }
    return defaults(targets[section])


def _read_dataset(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``dataset`` section, and which images it means here and now."""
    checked = check("dataset", build_dataset, given)
    checked["root"] = checked["root"] and str(raw_folder(checked["root"]))
    if checked["name"] is not None:
        spec = find_spec(checked["name"], checked["version"])
        source = choose_source(spec, checked["root"], checked["source"])
        checked |= {"version": spec.version, "source": source}
    return checked


def _read_model(builder: Callable[..., Model], given: Mapping[str, Any]) -> dict[str, Any]:
    """The ``model`` section, its layers in the one form that means the same."""
    checked = check("model", builder, given, FROM_DATASET)
    for name in LAYER_LISTS:
        if checked.get(name) is not None:
            checked[name] = normalise_layers(f"model.{name}", checked[name])
    if "mixer" in checked:
        checked["mixer_params"] = resolve_mixer(checked["mixer"], checked["mixer_params"])
    return checked


def _read_training(given: Mapping[str, Any], family: str) -> TrainingSettings:
    """The ``training`` section, the parameters of its objective filled in."""
    settings = TrainingSettings(**check("training", TrainingSettings, given))
    output = FAMILIES[family].output
    check_judged(settings.loss.name, output)
    loss = replace(
        settings.loss, params=settings.resolve_loss(), pair_kl=_read_pair_kl(settings, output)
    )
    return replace(settings, loss=loss, optimizer_params=resolve_optimizer(settings))


def _read_pair_kl(settings: TrainingSettings, output: type[Output]) -> PairKL | None:
    """How the KL of a pair of images counts; None where no target has a pair, or no KL counts."""
    given = settings.loss.pair_kl
    if getattr(output, "encoded_images", 1) == 1:
        if given is not None:
            raise UsageError(
                f"training.loss.pair_kl={given} is for composers, which encode two images for each "
                "target; leave it away here."
            )
        return None
    return (given or "sum") if losses()[settings.loss.name].counts_kl else None
