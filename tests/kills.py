"""Trainings in processes of their own that are killed at a file operation or a step."""

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from ignite.engine import Events

from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from configs.training import LOSSES, PAIRED, PROTOCOLS
from conftest import read_config
from disentgen.run_directory import RunDirectory
from disentgen.schema import merge
from disentgen.training import handlers, run
from processes import FORKS

SMALL = {"loss": {"params": {"discriminator_units": 20}}}
NLL = {"loss": {"name": "nll"}, "lr": 1e-3}
#: What is killed: family, model and training of each, and what else its dataset is.
CASES = {
    "vae": ("lgm", ARCHITECTURES["fast"], LOSSES["vae"], {}),
    "factor": (
        "lgm",
        ARCHITECTURES["fast"],
        merge(LOSSES["factor"], {**SMALL, "lr_decay": 0.9, "lr": 0.02, "early_stopping": 1}),
        {},
    ),
    "waegan": (
        "lgm", ARCHITECTURES["fast"], merge(LOSSES["waegan"], {**SMALL, "select": "last"}), {},
    ),
    "adagvae": ("lgm", ARCHITECTURES["fast"], PAIRED["adagvae"], {}),
    "decay": (
        "lgm",
        ARCHITECTURES["fast"],
        {**LOSSES["beta"], "lr_decay": 0.5, "ema": 0.8, "clip_norm": 9.0},
        {},
    ),
    "dropped": ("lgm", ARCHITECTURES["fast"], {**LOSSES["cci"], "keep_checkpoint": False}, {}),
    "control": ("lgm", ARCHITECTURES["fast"], LOSSES["btcvae"], {"control": True}),
    "decoder": ("decoder", DECODERS["kim_bn"], NLL, {}),
    "linear": ("composer", ARCHITECTURES["fast"], LOSSES["vae"], {}),
    "mlp": ("composer", {**ARCHITECTURES["fast"], "mixer": "mlp"}, LOSSES["beta"], {}),
    "supervised": ("encoder", ARCHITECTURES["fast"], NLL, {}),
}  # fmt: skip
QUICK = {"epochs": 3, "epoch_length": 4, "batch_size": 8, "validation_images": 32,
         "score_images": 32, "score_samples": 2}  # fmt: skip


@dataclass(frozen=True)
class Kill:
    """When a process is killed.

    Args:
        operation: just before it changes a file for that time, counted from 0.
        step: just after that training step, counted from 1.
    """

    operation: int | None = None
    step: int | None = None


def start_training(name: str, minutes: float | None, folder: Path, kill: Kill, log: Path) -> None:
    """Train a case; its operations on files of the folder are logged, a line each."""
    family, model, training, dataset = CASES[name]
    settings = {**PROTOCOLS["fast"], **training, **QUICK, "checkpoint_minutes": minutes}
    config = read_config(
        family,
        dataset={"name": "dsprites", "variant": "shape2tx", **dataset},
        model=model,
        training=settings,
    )
    folder.mkdir(parents=True, exist_ok=True)
    watch_files(folder, kill.operation, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    attach_first_batch = handlers.attach_first_batch

    def attach_kill(trainer, times):
        attach_first_batch(trainer, times)
        if kill.step is not None:
            trainer.add_event_handler(Events.ITERATION_COMPLETED(once=kill.step), end_at_once)

    handlers.attach_first_batch = attach_kill
    run.train(config, RunDirectory(folder))


def end_at_once() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch_files(folder: Path, last: int | None, log: int) -> None:
    """Log this process's operations on files of a folder, and kill it before one of them."""
    operations = 0

    def see(event, arguments):
        nonlocal operations
        if event not in ("open", "os.rename", "os.remove", "os.mkdir"):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        path = str(arguments[1 if event == "os.rename" else 0])
        if not path.startswith(str(folder)):
            return
        if operations == last:
            end_at_once()
        operations += 1
        os.write(log, f"{event} {Path(path).name}\n".encode())

    sys.addaudithook(see)


def train_case(
    name: str,
    minutes: float | None,
    folder: Path,
    kill: Kill = Kill(),
) -> list[str]:
    """Train a case in a process of its own, or go on with it; the operations that it came to.

    Args:
        name: of the case.
        minutes: between checkpoints.
        folder: of the run.
        kill: when the process ends; by default the training ends by itself.
    """
    log = folder.with_name(f"{folder.name}.log")
    process = FORKS.Process(target=start_training, args=(name, minutes, folder, kill, log))
    process.start()
    process.join()
    # A kill that is due after the end does nothing.
    assert process.exitcode in (0, -signal.SIGKILL) and (process.exitcode == 0 or kill != Kill())
    return log.read_text().splitlines()


def read_outcome(folder: Path) -> dict:
    """What a run has come to, without what a clock wrote."""
    results = json.loads((folder / "results.json").read_text())
    for timed in ("times", "seconds", "speed"):
        del results[timed]
    history = pd.read_csv(folder / "history.csv").drop(columns=["seconds", "images_per_second"])
    return {
        # One that is killed while it takes its lease leaves a folder that is removed a day later.
        "files": sorted(path.name for path in folder.iterdir() if path.suffix != ".lease"),
        "model": (folder / "model.pt").read_bytes(),
        "description": (folder / "model.json").read_bytes(),
        "history": history.to_csv(),
        "results": results,
    }
