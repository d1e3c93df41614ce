"""Training of objects of a program, such as a notebook, by the engine of all trainings."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from disentgen.analysis.figures.examples import save_examples
from disentgen.analysis.measure import Measurements
from disentgen.dataset import Dataset
from disentgen.dataset.build import build_dataset
from disentgen.errors import UsageError
from disentgen.models.families.live import MARK, LiveModel
from disentgen.paths import data_folder, expand, make_folder
from disentgen.provenance import note_start
from disentgen.report.pictures import draw_pictures
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run, view_training
from disentgen.saved import LIVE
from disentgen.training.assembly import Objects
from disentgen.training.config import Config
from disentgen.training.losses import Loss
from disentgen.training.run import train_held

#: What runs of objects are of, in the place of an experiment.
EXPERIMENT = "fit"


def fit(
    model: nn.Module,
    dataset: Dataset | Mapping[str, Any] | str,
    objective: Loss | Mapping[str, Any] | str = "vae",
    folder: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    images: int | None = None,
    report: bool = True,
    **training: Any,
) -> Run:
    """Train an object, score it on every side, and leave a run's folder.

    Nobody can build the object again from the folder: its run is listed and shown with what was
    measured and drawn here, belongs to no cell, is no control and decides no claim.

    Args:
        model: with two methods: ``encode`` makes of images (batch, channels, height, width) in 0..1
            a pair (mean, log variance), (batch, latents) each; ``decode`` makes of latents (batch,
            latents) logits of pixels (batch, channels, height, width).
        dataset: of :func:`~disentgen.dataset.build.build_dataset`, or what that is given: a name,
            or several settings by name.
        objective: its name, such as ``beta``; what ``training.loss`` holds, such as
            ``{"name": "beta", "params": {"beta": 4}}``; or an object.
        folder: of the run, a new one; by default the next number in ``sims/fit`` of the data
            folder.
        seed: of batches and noise; drawn where none is given.
        device: as in a configuration.
        threads: likewise.
        images: of each side that the report's numbers are of; by default each one's own number.
        report: measure and draw what a report shows of the run; later it cannot be.
        training: other settings of the section ``training``, such as ``epochs=3``.

    Returns:
        The run, whose ``model`` is there as long as this process is.

    Raises:
        UsageError: the object cannot be trained, or a setting is not accepted.
        DataFileError: the images cannot be opened, or the folder cannot be written to.
    """
    opened, section = open_dataset(dataset)
    live = LiveModel(model, opened.spec.image_shape)
    process = {"seed": seed, "device": device, "threads": threads}
    training = {"keep_checkpoint": False, **training}  # nobody goes on from it
    name = f"{type(model).__name__} {MARK}"
    described = {"family": LIVE, "name": name, "latent_size": live.latent_size}
    config = read_config({**process, "dataset": section, "model": described}, objective, training)
    objects = Objects(live, objective if isinstance(objective, Loss) else None, opened)
    with make_directory(folder).held() as held:
        note_start(held)
        done = train_held(config, held, objects=objects)
        run = view_training(done, held)
        save_examples(run)
        if report:
            Measurements(run, images).results()
            draw_pictures(run, images)
    return run


def open_dataset(given: Dataset | Mapping[str, Any] | str) -> tuple[Dataset, dict[str, Any]]:
    """A dataset, and the section ``dataset`` of a configuration that describes it.

    Args:
        given: the dataset, its name, or settings by name.

    Raises:
        UsageError: it was put together by hand.
        DataFileError: the images cannot be opened.
    """
    if not isinstance(given, Dataset):
        section = {"name": given} if isinstance(given, str) else dict(given)
        return build_dataset(**section), section
    if not given.settings:
        raise UsageError(
            "a dataset of build_dataset is expected, or its settings: {'name': …, 'variant': …}."
        )
    return given, dict(given.settings)


def read_config(
    given: Mapping[str, Any], objective: Loss | Mapping[str, Any] | str, training: Mapping[str, Any]
) -> Config:
    """The configuration that describes the training of an object.

    Args:
        given: all but the section ``training``.
        objective: see :func:`fit`.
        training: other settings of that section.

    Raises:
        UsageError: a setting is not accepted.
    """
    if isinstance(objective, Loss):
        config = Config.read({**given, "experiment": EXPERIMENT, "training": dict(training)}, False)
        loss = replace(
            config.training.loss, name=type(objective).title, params=read_numbers(objective)
        )
        return replace(config, training=replace(config.training, loss=loss))
    loss_section = {"name": objective} if isinstance(objective, str) else dict(objective)
    section = {**training, "loss": loss_section}
    return Config.read({**given, "experiment": EXPERIMENT, "training": section}, False)


def read_numbers(objective: Loss) -> dict[str, Any]:
    """The parameters of an objective that are numbers, for the record."""
    values = {name: value for name, value in vars(objective).items() if not name.startswith("_")}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def make_directory(folder: str | Path | None) -> RunDirectory:
    """The folder of a new run.

    Args:
        folder: its path; None for the next number in ``sims/fit`` of the data folder.

    Raises:
        UsageError: it holds a run: objects do not go on.
        DataFileError: it cannot be made.
    """
    if folder is not None:
        directory = RunDirectory(expand(folder))
        if directory.has("config.json"):
            raise UsageError(f"{directory.path} holds a run; a new folder is expected.")
        return directory
    home = make_folder(data_folder() / "sims" / EXPERIMENT)
    for number in itertools.count(1):
        path = home / str(number)
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return RunDirectory(path)
    raise AssertionError("there is always another number")
