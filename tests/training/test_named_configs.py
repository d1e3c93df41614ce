"""All named configurations of all experiments build, train, and are opened again without Sacred."""

import numpy as np
import pandas as pd
import pytest
import torch

from configs.cnnvae import ARCHITECTURES, ENCODERS
from configs.datasets import list_datasets
from configs.decoders import DECODERS
from configs.training import CONSISTENT, GENERATION, INFERENCE, LOSSES, PAIRED
from conftest import read_config
from disentgen.dataset.spec import find_spec
from disentgen.errors import UsageError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training.losses import losses
from disentgen.training.run import train

MODELS = {"lgm": ARCHITECTURES, "decoder": DECODERS, "composer": ARCHITECTURES, "encoder": ENCODERS}
OBJECTIVES = {
    "lgm": LOSSES | PAIRED | CONSISTENT, "decoder": GENERATION, "composer": LOSSES,
    "encoder": INFERENCE,
}  # fmt: skip
DATASET = {"name": "dsprites", "source": "stand-in", "variant": "shape2tx"}
SHORT = {
    "epoch_length": 3, "batch_size": 8, "validation_images": 16, "score_images": 16,
    "score_samples": 2, "find_duplicates": False,
}  # fmt: skip


class Silent:
    def log_scalar(self, metric_name, value, step=None):
        assert np.isfinite(value), metric_name


def train_cell(folder, family, dataset, model, training, epochs=1):
    settings = {**training, **SHORT, "epochs": epochs}
    config = read_config(family, dataset=dataset, model=model, training=settings)
    return train(config, RunDirectory(folder), Silent()).results


def first(choices):
    return next(iter(choices.values()))


def choose_variant(name):
    variants = find_spec(name).variants
    return "leave1out" if "leave1out" in variants else next(iter(variants))


CELLS = [
    *[
        pytest.param(
            family,
            # Of which the factors are two blocks.
            {"name": "two_sprites", "variant": "orthogonal"} if name == "additive" else DATASET,
            model,
            first(OBJECTIVES[family]),
            id=f"{family}-{name}",
        )
        for family, models in MODELS.items()
        for name, model in models.items()
    ],
    *[
        pytest.param(family, DATASET, MODELS[family]["fast"], loss, id=f"{family}-fast-{name}")
        for family, losses in OBJECTIVES.items()
        for name, loss in losses.items()
    ],
    *[
        pytest.param(
            family,
            {**DATASET, **dataset, "variant": choose_variant(name)},
            MODELS[family]["fast"],
            first(OBJECTIVES[family]),
            id=f"{family}-fast-{name}",
        )
        for family in MODELS
        for name, dataset in list_datasets().items()
        if find_spec(name).render and not find_spec(name).is_drawn
    ],
    *[
        pytest.param(
            "composer",
            DATASET,
            {**ARCHITECTURES["fast"], "mixer": mixer},
            first(LOSSES),
            id=f"composer-{mixer}",
        )
        for mixer in ("interpolation", "mlp")
    ],
]


@pytest.mark.parametrize(("family", "dataset", "model", "training"), CELLS)
def test_named_configs_train_and_are_opened_again(tmp_path, family, dataset, model, training):
    results = train_cell(tmp_path, family, dataset, model, training)
    run = open_run(tmp_path)
    assert run.family == family
    assert results["scores"]["held_out"]["images"] == 16
    # Nothing is said of posteriors that were not trained.
    bounded = family == "lgm" and losses()[training["loss"]["name"]].trains_variances
    assert ("elbo" in results["scores"]["train"]) == bounded
    assert ("active_units" in results["scores"]["train"]) == (family in ("lgm", "composer"))
    again = run.load_model().state_dict()
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.equal(again[name], value) for name, value in weights.items())
    assert results["parameters"] == sum(p.numel() for p in run.model.parameters())
    fixed = results["task"]["held_out"].get("fixed", [])
    scored = results["scores"]["held_out"].get("nll_per_factor", {})
    assert not set(fixed) & set(scored)
    if family == "composer" and dataset["name"] == "dsprites":
        assert fixed == ["shape"]


@pytest.mark.parametrize("family", MODELS)
def test_nothing_held_out_is_scored_as_nothing(tmp_path, family):
    dataset, loss = {**DATASET, "variant": None}, first(OBJECTIVES[family])
    results = train_cell(tmp_path, family, dataset, MODELS[family]["fast"], loss)
    assert results["scores"]["held_out"] is None
    assert results["split"]["held_out"]["count"] == 0
    assert results["scores"]["train"]["images"] == 16


@pytest.mark.parametrize("loss", LOSSES | PAIRED)
def test_one_latent_is_enough(tmp_path, loss):
    model = {**ARCHITECTURES["fast"], "latent_size": 1}
    results = train_cell(tmp_path, "lgm", DATASET, model, OBJECTIVES["lgm"][loss])
    assert len(results["scores"]["train"]["kl_per_latent"]) == 1


@pytest.mark.parametrize(
    ("family", "training"), [("composer", LOSSES["factor"]), ("lgm", PAIRED["adagvae"])]
)
def test_tasks_with_partners_go_on_bit_by_bit(tmp_path, family, training):
    model = {**ARCHITECTURES["fast"]}
    for folder, lengths in (("whole", [2]), ("parts", [1, 2])):
        for epochs in lengths:
            train_cell(tmp_path / folder, family, DATASET, model, training, epochs)
    whole, parts = (open_run(tmp_path / name).history for name in ("whole", "parts"))
    clock = ["seconds", "images_per_second"]
    pd.testing.assert_frame_equal(
        whole.drop(columns=clock), parts.drop(columns=clock), check_exact=True
    )


def test_mistaken_objective_of_a_family(tmp_path):
    with pytest.raises(UsageError, match="vae cannot judge .* accepted: nll"):
        train_cell(tmp_path, "decoder", DATASET, DECODERS["fast"], LOSSES["vae"])
    with pytest.raises(UsageError, match="adagvae cannot judge") as refused:
        train_cell(tmp_path, "composer", DATASET, ARCHITECTURES["fast"], PAIRED["adagvae"])
    accepted = str(refused.value).partition("accepted: ")[2].rstrip(".").split(", ")
    assert {"nll", "vae", "beta"} <= set(accepted)
    assert "adagvae" not in accepted
