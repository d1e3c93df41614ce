"""Learning rates, clipped gradients, averaged weights."""

import copy

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from torch import nn
from torch.optim import lr_scheduler

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES, PROTOCOLS
from conftest import read_config
from disentgen.errors import DataFileError, UsageError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training.assembly import assemble
from disentgen.training.console import describe_start
from disentgen.training.handlers import attach_weight_average
from disentgen.training.identity import cell_settings, hash_cell
from disentgen.training.rates import LearningRate, rate_schedules, resolve_rates
from disentgen.training.run import train
from disentgen.training.settings import TrainingSettings

SCHEDULES = {
    "constant": {"factor": 0.5, "total_iters": 3},
    "cosineannealing": {"T_max": 4, "eta_min": 1e-5},
    "cosineannealingwarmrestarts": {"T_0": 2, "T_mult": 2},
    "exponential": {"gamma": 0.9},
    "linear": {"start_factor": 0.25},
    "multistep": {"milestones": [2, 3], "gamma": 0.5},
    "polynomial": {"total_iters": 6, "power": 2.0},
    "step": {"step_size": 2},
}


def read(family="lgm", model=None, loss="vae", **training):
    dataset = {"name": "dsprites", "variant": "shape2tx", "source": "stand-in"}
    training = {
        **LOSSES[loss], **PROTOCOLS["fast"], "score_samples": None, "batch_size": 16, **training,
    }  # fmt: skip
    model = model or ARCHITECTURES["fast"]
    return read_config(family, dataset=dataset, model=model, training=training)


def find_cell(config):
    return hash_cell(cell_settings(config, config.split.describe()))


def test_a_cosine_ends_with_the_training():
    settings = resolve_rates(TrainingSettings(schedule="cosineannealing", epochs=7))
    assert settings.schedule_params == {"T_max": 7}
    given = {"T_max": 3}
    kept = TrainingSettings(schedule="cosineannealing", schedule_params=given, epochs=7)
    assert resolve_rates(kept).schedule_params == given


def follow(schedule, epochs):
    """What torch itself makes of a schedule, epoch by epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    kinds = {name.lower(): kind for name, kind in vars(lr_scheduler).items()}
    kind = kinds.get(f"{schedule}lr") or kinds[schedule]
    scheduler, rates = kind(optimizer, **SCHEDULES[schedule]), []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("schedule", rate_schedules())
def test_every_schedule_gives_the_rates_of_torch_in_whatever_order_they_are_asked_for(schedule):
    given = {"schedule": schedule, "schedule_params": SCHEDULES[schedule]}
    settings = resolve_rates(TrainingSettings(lr=0.5, **given))
    expected = follow(schedule, 9)
    rate = LearningRate(settings, length=10)
    assert [rate(10 * epoch + 3) for epoch in (8, 0, 4)] == [expected[n] for n in (8, 0, 4)]
    assert [LearningRate(settings, 10)(step) for step in range(0, 90, 10)] == expected


def test_warm_up_is_a_line_from_zero_to_what_the_rate_would_be():
    settings = TrainingSettings(lr=0.5, lr_decay=0.5, warmup_steps=4)
    rate = LearningRate(settings, length=3)
    assert [rate(step) for step in range(7)] == [0.125, 0.25, 0.375, 0.25, 0.25, 0.25, 0.125]
    assert LearningRate(TrainingSettings(lr=0.5), 3)(1000) == 0.5


def test_the_exponential_schedule_is_the_decay_of_earlier_versions():
    config = read(schedule="exponential", schedule_params={"gamma": "0.9"})
    assert config == read(lr_decay=0.9)
    assert config.training.schedule is None and config.training.schedule_params is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schedule": "cosine"}, "schedule .training.schedule. 'cosine'.*mean 'cosineannealing'"),
        ({"schedule": "reducelronplateau"}, "unknown schedule"),
        ({"schedule": "multistep"}, "schedule_params.milestones is missing; accepted: milestones"),
        (
            {"schedule": "step", "schedule_params": {"step": 2}},
            "'step'; accepted: step_size, gamma",
        ),
        ({"schedule": "step", "schedule_params": {"step_size": 0}}, "schedule_params.step_size: "),
        (
            {"schedule": "multistep", "schedule_params": {"milestones": 3}},
            "params.milestones: .*list",
        ),
        (
            {"schedule": "linear", "schedule_params": {"start_factor": 3}},
            "training.schedule=linear",
        ),
        ({"schedule": "exponential", "schedule_params": {"gamma": -1}}, "of epoch 2 is -0.0001"),
        ({"schedule": "exponential", "schedule_params": {"gamma": 0}}, "gamma: .* greater than 0"),
        ({"schedule_params": {"T_max": 3}}, "schedule_params are those of a training.schedule"),
        ({"schedule": "step", "lr_decay": 0.9}, "lr_decay is the schedule 'exponential'; with"),
        ({"warmup_steps": 0}, "training.warmup_steps"),
        ({"clip_norm": 0}, "training.clip_norm"),
        ({"ema": 1}, "training.ema"),
    ],
)
def test_mistakes(given, message):
    with pytest.raises(UsageError, match=message):
        read(**{"epochs": 2, **given})


def test_settings_that_were_not_there_leave_a_run_in_its_cell():
    new = {"schedule": None, "schedule_params": {}, "warmup_steps": None, "clip_norm": None}
    cells = [find_cell(read(**given)) for given in ({}, {**new, "ema": None})]
    others = [{"warmup_steps": 3}, {"clip_norm": 1}, {"ema": 0.9}, {"schedule": "linear"}]
    cells += [find_cell(read(**given)) for given in others]
    assert cells[0] == cells[1] and len(set(cells)) == 5


def test_gradients_of_the_model_alone_are_clipped():
    """What a discriminator learns from is left as it is."""
    norms = {}
    for clip in (None, 1e-3):
        training = assemble(read(loss="factor", optimizer="sgd", clip_norm=clip))
        torch.manual_seed(1)
        terms = training.update(next(iter(training.batches.epoch(1))), 0)
        for name, part in (("model", training.model), ("loss", training.loss)):
            gradients = [weights.grad for weights in part.parameters()]
            norms[name, clip] = nn.utils.get_total_norm(gradients).item()
        assert ("gradient_norm" in terms) == (clip is not None)
    assert norms["model", 1e-3] == pytest.approx(1e-3, rel=1e-3)
    assert terms["gradient_norm"].item() == pytest.approx(norms["model", None])
    assert norms["loss", 1e-3] == pytest.approx(norms["loss", None], rel=1e-3) != 0


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(3, 2), nn.BatchNorm1d(2)
        self.register_buffer("constant", torch.tensor([0.1, 1 / 3]), persistent=False)

    def forward(self, inputs):
        return self.norm(self.linear(inputs)) + self.constant


def test_averages_are_exponential_once_the_first_steps_have_had_equal_shares():
    torch.manual_seed(0)
    model = Network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    seen = []

    def step(engine, batch):
        optimizer.zero_grad()
        model(batch).square().sum().backward()
        optimizer.step()
        seen.append(
            {key: value.double() for key, value in copy.deepcopy(model.state_dict()).items()}
        )

    trainer = Engine(step)
    average = attach_weight_average(trainer, model, 0.75)
    trainer.run([torch.randn(5, 3) + number for number in range(9)])
    expected = {key: sum(state[key] for state in seen[:4]) / 4 for key in seen[0]}
    for state in seen[4:]:
        expected = {key: 0.75 * value + 0.25 * state[key] for key, value in expected.items()}
    made = average.state_dict()
    assert made.pop("norm.num_batches_tracked") == 9
    for key, value in made.items():
        torch.testing.assert_close(value.double(), expected[key], rtol=1e-5, atol=1e-6)
    assert not np.allclose(expected["norm.running_mean"], seen[-1]["norm.running_mean"])
    assert torch.equal(average.constant, model.constant)


def test_averaged_weights_are_validated_selected_scored_and_kept(tmp_path):
    options = {"lr": 0.01, "epochs": 2, "select": "last", "validation_images": 128}
    for name, given in (("plain", {}), ("averaged", {"ema": 0.9})):
        train(read(**options, **given), RunDirectory(tmp_path / name))
    run, plain = open_run(tmp_path / "averaged"), open_run(tmp_path / "plain")
    checkpoint = run.load_checkpoint()
    weights = run.model.state_dict()
    assert all(torch.equal(value, checkpoint["average"][key]) for key, value in weights.items())
    # The weights themselves are those of a run without averages, bit by bit.
    raw = plain.load_checkpoint()["model"]
    assert all(torch.equal(value, checkpoint["model"][key]) for key, value in raw.items())
    assert not any(torch.equal(value, raw[key]) for key, value in weights.items())
    last = run.history["validation.nll"].iloc[-1]
    assert last == pytest.approx(run.results["scores"]["validation"]["nll"], rel=1e-6)
    assert last != plain.history["validation.nll"].iloc[-1]
    assert (run.history["train.nll"] == plain.history["train.nll"]).all()


def test_a_checkpoint_whose_average_is_of_another_model_is_refused(tmp_path):
    config = read(ema=0.9, epochs=1, epoch_length=1)
    train(config, RunDirectory(tmp_path))
    checkpoint = RunDirectory(tmp_path).load_checkpoint()
    checkpoint["average"]["encoder.0.weight"] = torch.zeros(3)
    RunDirectory(tmp_path).save_checkpoint(checkpoint)
    with pytest.raises(DataFileError, match="'encoder.0.weight' is torch.float32 .3."):
        train(config, RunDirectory(tmp_path))


@pytest.mark.parametrize(("end", "rises"), [(2, True), (3, False), (4, False)])
def test_a_rate_that_rises_again_is_said_in_the_first_lines(end, rises):
    config = read(schedule="cosineannealing", schedule_params={"T_max": end}, epochs=3)
    line = f"the learning rate rises again after epoch {end}: "
    assert (line in describe_start(assemble(config))) == rises
