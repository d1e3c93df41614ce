"""Speed of the suite, as ratios measured side by side.

Variants take turns in one process (A B C, C B A, …); each figure is the median over rounds, each
ratio the median of the ratios inside rounds, with the smallest and largest. Absolute figures move
with whatever else the machine does; ratios much less.

    python benchmarks/throughput.py --output throughput.json
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from configs.cnnvae import ARCHITECTURES
from disentgen.dataset.batches import BatchStream
from disentgen.dataset.spec import load_specs
from disentgen.models import build_model
from disentgen.training import handlers
from disentgen.training.assembly import Training, assemble
from disentgen.training.config import Config
from disentgen.training.divergence import attach_guard
from disentgen.training.losses import build_loss
from disentgen.training.machine import available_threads, prepare_process
from disentgen.training.progress import attach_progress

Rate = Callable[[], float]

WORLDS = [
    "-".join(filter(None, (spec.name, spec.version)))
    for versions in load_specs().values()
    for spec in versions
]


def make_training(
    dataset: str, architecture: str, loss: str, batch_size: int, precision: str
) -> Training:
    """A training as the command line assembles it, on the full grid of a dataset."""
    name, _, version = dataset.partition("-")
    given: dict[str, Any] = {
        "dataset": {
            "name": name,
            "version": version or None,
            "variant": "leave1out",
            "source": "stand-in",
        },
        "model": {"family": "lgm", **ARCHITECTURES[architecture]},
        "training": {"loss": {"name": loss}, "batch_size": batch_size, "precision": precision},
    }
    return assemble(Config.read({**given, "seed": 0, "threads": torch.get_num_threads()}))


def measure_bare_step(training: Training, steps: int) -> Rate:
    """The same update on one batch that never changes, without Ignite, data or records."""
    inputs, target = next(training.batches.epoch(1))
    model, loss, optimizer = training.model.train(), training.loss, training.optimizer
    low = training.config.training.precision == "bf16"

    def rate() -> float:
        started = time.perf_counter()
        for step in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                output = model(inputs)
            loss(output, target, step)["loss"].backward()
            optimizer.step()
            loss.after_step(output)
        return steps * len(inputs) / (time.perf_counter() - started)

    return rate


def measure_loop(training: Training, steps: int) -> Rate:
    """The suite's trainer with every handler that acts within an epoch."""
    trainer = handlers.create_trainer(
        training.model,
        training.loss,
        training.optimizer,
        training.config.training.precision,
        training.device,
    )
    handlers.attach_noise(trainer, seed=0)
    handlers.attach_averages(trainer, training.device)
    attach_guard(trainer, training.device)
    attach_progress(trainer, training.config.training.batch_size)
    stream, epochs = BatchStream(training.batches), 0

    def rate() -> float:
        nonlocal epochs
        epochs += 1
        started = time.perf_counter()
        trainer.run(stream, max_epochs=epochs, epoch_length=steps)
        return steps * training.config.training.batch_size / (time.perf_counter() - started)

    return rate


class SampleBySample(Dataset[Any]):
    """A dataset as they are usually written: an image at a time, turned into a tensor."""

    def __init__(self, pictures: np.ndarray):
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        picture = torch.from_numpy(self.pictures[index]).permute(2, 0, 1).float()
        return picture, picture


def measure_usual_loop(training: Training, steps: int) -> Rate:
    """A loop as they are usually written: loader of samples, channels first, plain Adam.

    It reads from 50,000 images in memory and so pays nothing for reading the dataset.
    """
    pictures = training.dataset.images(training.batches.indices[::10][:50_000])
    batch_size = training.config.training.batch_size
    loader = DataLoader(SampleBySample(pictures), batch_size, shuffle=True, drop_last=True)
    section = training.config.model
    model = build_model("lgm", training.dataset.spec.image_shape, 0, section)
    plain_transposed_convolutions(model)
    loss = build_loss(
        training.config.training.loss.name, training.config.training.loss.params, model
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def endless() -> Iterator[Any]:
        while True:
            yield from loader

    batches = endless()

    def rate() -> float:
        started = time.perf_counter()
        for step in range(steps):
            inputs, target = next(batches)
            optimizer.zero_grad()
            output = model(inputs)
            loss(output, target, step)["loss"].backward()
            optimizer.step()
            loss.after_step(output)
        return steps * batch_size / (time.perf_counter() - started)

    return rate


def plain_transposed_convolutions(model: nn.Module) -> None:
    """Take back the faster form of the last layer."""
    for module in model.modules():
        if isinstance(module, nn.ConvTranspose2d):
            module.__class__ = nn.ConvTranspose2d


def measure_evaluation(training: Training, images: int) -> Rate:
    """Scoring a sample of the held-out side."""

    def rate() -> float:
        started = time.perf_counter()
        scores = training.score("held_out", images)
        assert scores is not None
        return scores.images / (time.perf_counter() - started)

    return rate


def measure_data(training: Training, batches: int) -> Rate:
    """Drawing batches of the stand-in alone, shuffled over the whole grid."""

    def rate() -> float:
        started = time.perf_counter()
        for number, _ in enumerate(training.batches.epoch(1), start=1):
            if number == batches:
                break
        return batches * training.config.training.batch_size / (time.perf_counter() - started)

    return rate


def take_turns(variants: dict[str, Rate], rounds: int) -> dict[str, list[float]]:
    """Rates of each variant in each round; a round before the first is thrown away."""
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        order = list(variants) if number % 2 == 0 else list(variants)[::-1]
        for name in order:
            rate = variants[name]()
            if number:
                rates[name].append(rate)
    return rates


def compare(rates: dict[str, list[float]], one: str, other: str) -> dict[str, float]:
    """The ratio of two variants inside rounds."""
    ratios = [a / b for a, b in zip(rates[one], rates[other], strict=True)]
    return {
        "median": round(statistics.median(ratios), 3),
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
    }


def describe_machine(threads: int) -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    lines = (line.partition(":") for line in cpu.splitlines())
    facts = {key.strip(): value.strip() for key, _, value in lines}
    return {
        "cpu": facts.get("model name", platform.processor()),
        "avx512_bf16": "avx512_bf16" in facts.get("flags", "").split(),
        "cores": available_threads(),
        "threads": threads,
        "load_before": os.getloadavg()[0],
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="dsprites", choices=WORLDS)
    parser.add_argument("--architecture", default="kim", choices=ARCHITECTURES)
    parser.add_argument("--loss", default="beta")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    machine = describe_machine(given.threads)
    prepare_process(given.threads)

    def fresh() -> Training:
        return make_training(
            given.dataset, given.architecture, given.loss, given.batch_size, given.precision
        )

    rates = take_turns(
        {
            "bare step": measure_bare_step(fresh(), given.steps),
            "suite's loop": measure_loop(fresh(), given.steps),
            "usual loop": measure_usual_loop(fresh(), given.steps),
            "evaluation": measure_evaluation(fresh(), 40 * given.batch_size),
            "drawing data": measure_data(fresh(), 500),
        },
        given.rounds,
    )
    report = {
        "machine": machine,
        "options": {key: value for key, value in vars(given).items() if key != "output"},
        "images_per_second": {name: round(statistics.median(r)) for name, r in rates.items()},
        "ratios": {
            "suite's loop : bare step": compare(rates, "suite's loop", "bare step"),
            "suite's loop : usual loop": compare(rates, "suite's loop", "usual loop"),
            "evaluation : suite's loop": compare(rates, "evaluation", "suite's loop"),
            "drawing data : suite's loop": compare(rates, "drawing data", "suite's loop"),
        },
    }
    text = json.dumps(report, indent=2)
    print(text)
    if given.output:
        given.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
