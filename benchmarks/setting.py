"""What a program works on, and the training that this is."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.images import Resident, Source
from disentgen.training.assembly import Training, assemble
from disentgen.training.config import Config
from disentgen.training.machine import prepare_process
from execution import EXECUTIONS

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from configs.training import GENERATION, LOSSES

Figures = dict[str, float]


#: Images in a batch that is scored, as the suite has it.
SCORED: int = ScoringBatches.batch_size


@dataclass(frozen=True)
class Work:
    """What is trained, and by what.

    Args:
        family: of the model.
        architectures: by name.
        training: objective, batch size and learning rate.
    """

    family: str
    architectures: Mapping[str, Mapping[str, Any]]
    training: Mapping[str, Any]


#: As the published study trains them.
WORKS = {
    "β-VAE": Work("lgm", ARCHITECTURES, LOSSES["beta"]),
    "FactorVAE": Work("lgm", ARCHITECTURES, LOSSES["factor"]),
    "decoder": Work("decoder", DECODERS, GENERATION["generation"]),
}


@dataclass(frozen=True)
class Setting:
    """What a program works on.

    Args:
        threads: of the process.
        precision: ``fp32`` or ``bf16``.
        dataset: its name.
        source: of its images: ``stand-in`` for drawn ones, ``original`` for those of a file.
        work: the key of one of :data:`WORKS`.
        architecture: one of the work's.
        device: that is trained on.
        resident: whether images are held there.
        scored: images in a batch that is scored.
        execution: of a step: one of the suite's ways, or of :data:`~execution.EXECUTIONS`.
    """

    threads: int
    precision: str = "fp32"
    dataset: str = "dsprites"
    source: Source = "stand-in"
    work: str = "β-VAE"
    architecture: str = "kim"
    device: str = "cpu"
    resident: Resident = "no"
    scored: int = SCORED
    execution: str = "eager"


def read_config(setting: Setting) -> Config:
    """The configuration of a training whose first epoch does not end, and this process's data."""
    work = WORKS[setting.work]
    experimental = setting.execution in EXECUTIONS
    training = {
        "batch_size": 64, **work.training, "precision": setting.precision,
        "execution": "eager" if experimental else setting.execution, "epoch_length": 10**8,
    }  # fmt: skip
    dataset = {
        "name": setting.dataset, "variant": "leave1out", "source": setting.source,
        "resident": setting.resident,
    }  # fmt: skip
    model = {"family": work.family, **work.architectures[setting.architecture]}
    given = {"dataset": dataset, "model": model, "training": training, "device": setting.device}
    return Config.read({**given, "seed": 0, "threads": setting.threads})


def prepare(setting: Setting) -> Training:
    """A training as the command line assembles it, in a process as it prepares it."""
    prepare_process(setting.threads)
    training = assemble(read_config(setting))
    if setting.execution in EXECUTIONS:
        training.update = EXECUTIONS[setting.execution](training.update)
    held = training.batches.observed.resident
    if held and setting.source == "original":
        # Or the first pass through the images would be measured, which reads and sends them.
        for block in np.array_split(np.arange(training.dataset.spec.grid.size), 100):
            held(block)
    return training
