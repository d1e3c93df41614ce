"""The programs that are measured: each fills a window of time with one kind of work."""

import contextlib
import copy
import io
import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from disentgen.dataset.batches import Batch, BatchStream, ScoringBatches
from disentgen.dataset.images import Pixels
from disentgen.paths import data_folder
from disentgen.run_directory import RunDirectory
from disentgen.training.assembly import Training
from disentgen.training.config import Config
from disentgen.training.evaluation import create_evaluator
from disentgen.training.losses import build_loss
from disentgen.training.run import prepare_training
from disentgen.training.update import Update
from meter import Meter, read_from_disk
from setting import Figures, Setting, prepare, read_config


def run_bare_step(setting: Setting, meter: Meter) -> Figures:
    """The suite's update on one batch that never changes, without Ignite, data or records."""
    training = prepare(setting)
    batch = next(training.batches.epoch(1))
    while meter.count(training.batches.batch_size):
        training.update(batch, 0)
    return {"images_per_second": meter.rate}


def run_layers(setting: Setting, meter: Meter) -> Figures:
    """Convolutions and linear layers of the same update, forward and backward, one by one."""
    training = prepare(setting)
    layers = isolate_layers(training, setting.precision)
    while meter.count(training.batches.batch_size):
        for layer, inputs, wanted, gradient in layers:
            torch.autograd.grad(layer(inputs), wanted, gradient)
    return {"images_per_second": meter.rate}


Isolated = tuple[nn.Module, Tensor, list[Tensor], Tensor]


def isolate_layers(training: Training, precision: str) -> list[Isolated]:
    """Each layer with weights, converted to a precision, so that nothing is cast while it runs.

    Args:
        training: whose model they are of.
        precision: ``fp32`` or ``bf16``.

    Returns:
        For each, the layer, its inputs, what gradients are wanted of, and its output's gradient.
    """
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda *call: calls.append((call[0], call[1][0], call[2])))
        for module in training.model.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    ]
    training.update.evaluate(*next(training.batches.epoch(1)), 0)
    for hook in hooks:
        hook.remove()
    isolated: list[Isolated] = []
    for module, given, output in calls:
        layer, inputs = copy.deepcopy(module).to(kind), given.detach().to(kind)
        # The images need no gradient, nor does the first layer compute one.
        wanted = [inputs.requires_grad_()] if given.requires_grad else []
        gradient = torch.randn_like(output, dtype=kind)
        isolated.append((layer, inputs, [*layer.parameters(), *wanted], gradient))
    return isolated


def run_loop(setting: Setting, meter: Meter) -> Figures:
    """The suite's trainer with all its handlers, as the command line runs it."""
    training = prepare(setting)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        checkpoints, held = prepare_training(training, RunDirectory(Path(folder)).prepare(), [])
        count_steps(checkpoints.trainer, meter, training.batches.batch_size)
        with held:
            stream, length = checkpoints.epoch.stream, len(training.batches)
            checkpoints.trainer.run(stream, epoch_length=length, max_epochs=1)
    return {"images_per_second": meter.rate}


def count_steps(engine: Engine, meter: Meter, images: int) -> None:
    """Count the steps of an engine, and end it when the time is up.

    Args:
        engine: of Ignite.
        meter: of the process.
        images: in a step.
    """

    @engine.on(Events.ITERATION_COMPLETED)
    def count() -> None:
        if not meter.count(images):
            engine.terminate()


def run_cold_loop(setting: Setting, meter: Meter) -> Figures:
    """The same, where the system has nothing of the image file in memory."""
    for path in data_folder().rglob("*.npy"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = read_from_disk()
    return {**run_loop(setting, meter), "megabytes_from_disk": read_from_disk() - before}


class SampleBySample(Dataset[tuple[Tensor, Tensor]]):
    """A dataset as they are usually written: an image at a time, turned into a tensor."""

    def __init__(self, pictures: Pixels):
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        picture = torch.from_numpy(self.pictures[index]).permute(2, 0, 1).float()
        return picture, picture


def run_usual_loop(setting: Setting, meter: Meter) -> Figures:
    """A loop as they are usually written: loader of samples, channels first, plain Adam.

    It reads from 50,000 images in memory, and malloc returns what it frees, as it does by default.
    """
    torch.set_num_threads(setting.threads)
    config = read_config(setting)
    dataset = config.open_dataset()
    pictures = dataset.images(dataset.split.trained_on()[::10][:50_000])
    size = config.training.batch_size
    loader = DataLoader(SampleBySample(pictures), size, shuffle=True, drop_last=True)
    model = build_plain_model(config)
    choice = config.training.loss
    loss = build_loss(choice.name, choice.params, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    for inputs, target in itertools.chain.from_iterable(itertools.repeat(loader)):
        optimizer.zero_grad()
        output = model(inputs)
        loss(output, target, 0)["loss"].backward()
        optimizer.step()
        if not meter.count(size):
            break
    return {"images_per_second": meter.rate}


def build_plain_model(config: Config) -> nn.Module:
    """The model as it is usually written: no layer in a faster form, none in place."""
    model = config.build_model()
    for module in model.modules():
        if isinstance(module, nn.ConvTranspose2d):
            module.__class__ = nn.ConvTranspose2d
        elif isinstance(module, nn.ReLU):
            module.inplace = False
    return model


@torch.no_grad()
def run_forward(setting: Setting, meter: Meter) -> Figures:
    """The model's forward pass on one batch of those that are scored."""
    training = prepare(setting)
    inputs, _ = next(iter(make_scoring_batches(training, setting.scored)))
    training.model.eval()
    while meter.count(len(inputs)):
        training.model(inputs)
    return {"images_per_second": meter.rate}


def run_evaluation(setting: Setting, meter: Meter) -> Figures:
    """The suite's scoring of images."""
    training = prepare(setting)
    batches = make_scoring_batches(training, setting.scored)
    evaluator = create_evaluator(training.model, training.device)
    count_steps(evaluator, meter, batches.batch_size)
    evaluator.run(batches)
    return {"images_per_second": meter.rate}


def make_scoring_batches(training: Training, size: int) -> ScoringBatches:
    """Batches of all training images, in order, as they are scored.

    Args:
        training: whose images they are.
        size: of a batch.
    """
    indices, task = training.choose_images("train", None), training.make_task("train")
    return ScoringBatches(training.batches.observed, task, indices, size)


def run_drawing(setting: Setting, meter: Meter) -> Figures:
    """Drawing shuffled batches of the stand-in, and nothing else."""
    batches = prepare(setting).batches
    for _ in BatchStream(batches):
        if not meter.count(batches.batch_size):
            break
    return {"images_per_second": meter.rate}


def run_first_batch(setting: Setting, meter: Meter) -> Figures:
    """From reading a configuration, after all imports, to the first batch: split, file, model."""
    meter.open()
    next(prepare(setting).batches.epoch(1))
    return {"seconds": meter.close()}


def run_gradients(setting: Setting, meter: Meter) -> Figures:
    """Gradients in both precisions at equal weights, batch and noise, as training goes on.

    The cosine is of the two gradients of all weights; the error is the length of their difference
    in lengths of the fp32 gradient. They are compared after every fifth step until the time is up.
    """
    training = prepare(setting)
    pairs: list[tuple[Tensor, Tensor]] = []
    for step, batch in enumerate(training.batches.epoch(1)):
        low = None if step % 5 else compute_gradient(training, batch, "bf16", step)
        exact = compute_gradient(training, batch, "fp32", step)
        if low is not None:
            pairs.append((exact, low))
        training.optimizer.step()
        if not meter.count(training.batches.batch_size):
            break
    cosines = [torch.cosine_similarity(exact, low, dim=0).item() for exact, low in pairs]
    errors = [((low - exact).norm() / exact.norm()).item() for exact, low in pairs]
    return {
        "checks": len(pairs),
        "cosine_median": float(np.median(cosines)),
        "cosine_min": min(cosines),
        "error_median": float(np.median(errors)),
        "error_max": max(errors),
    }


def compute_gradient(training: Training, batch: Batch, precision: str, seed: int) -> Tensor:
    """The gradient of all weights, (weights,) in double precision.

    Args:
        training: whose model's weights they are.
        batch: inputs and target.
        precision: that the model runs in.
        seed: of the noise.
    """
    training.optimizer.zero_grad(set_to_none=True)
    torch.manual_seed(seed)
    parts = (training.model, training.loss, training.optimizer)
    _, terms = Update(*parts, precision, training.device).evaluate(*batch, 0)
    torch.autograd.backward(terms["loss"])
    given = (weights.grad for weights in training.model.parameters())
    return torch.cat([grad.reshape(-1).double() for grad in given if grad is not None])
