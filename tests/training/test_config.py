"""Reading a configuration: once, whole, and to the same values however it was typed."""

import json

import pytest

from configs.cnnvae import ARCHITECTURES, ENCODERS
from configs.decoders import DECODERS
from configs.training import LOSSES, PROTOCOLS
from conftest import REPOSITORY, read_config
from disentgen.analysis.figures.examples import save_examples
from disentgen.dataset.pairs import Pairs
from disentgen.errors import DataFileError, UsageError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run, view_training
from disentgen.schema import defaults, flatten
from disentgen.training import baseline
from disentgen.training import run as running
from disentgen.training.baseline import BEFORE, list_lacking, values_before
from disentgen.training.config import Config
from disentgen.training.identity import cell_settings, hash_cell
from disentgen.training.losses import losses

FAST = ARCHITECTURES["fast"]
SPLIT = {side: {"sha256": side} for side in ("held_in", "held_out", "validation")}


def read(family="lgm", dataset=None, model=None, training=None, **rest):
    return read_config(
        family,
        dataset={"name": "dsprites", "source": "stand-in", "variant": "shape2tx"} | (dataset or {}),
        model=FAST | (model or {}),
        training=PROTOCOLS["fast"] | (training or {}),
        **rest,
    )


def key(config, split=SPLIT):
    return hash_cell(cell_settings(config, split))


def beta(value):
    return {"loss": {"name": "beta", "params": {"beta": value}}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"training": beta(4)}, {"training": beta("4")}),
        ({"training": beta(4)}, {"training": beta(4.0)}),
        ({"training": beta(10)}, {"training": beta("1e1")}),
        ({"training": {"batch_size": 16}}, {"training": {"batch_size": "16"}}),
        ({"model": {"latent_size": 10}}, {"model": {"latent_size": 10.0}}),
        ({"training": {"lr_decay": None}}, {"training": {"lr_decay": "null"}}),
        (
            {"training": {"optimizer_params": {"weight_decay": 0}}},
            {"training": {"optimizer_params": {"weight_decay": "0.0"}}},
        ),
        ({"training": {"optimizer_params": {}}}, {}),
        (
            {"model": {"encoder": [("conv", (8, 16, 16)), ("relu",), ("flatten",)]}},
            {"model": {"encoder": [["conv", ["8", 16.0, 16, 0]], ["relu", []], ["flatten"]]}},
        ),
    ],
)
def test_what_means_the_same_is_read_as_the_same(one, other):
    first, second = read(**one), read(**other)
    assert first.plain() == second.plain()
    assert key(first) == key(second)


def test_mixers_are_read_with_their_defaults():
    made = [{"mixer": "mlp", **more} for more in
            ({}, {"mixer_params": {"units": 128}}, {"mixer_params": {"units": "128"}})]  # fmt: skip
    assert len({key(read("composer", model=model)) for model in made}) == 1
    other = read("composer", model={"mixer": "mlp", "mixer_params": {"units": 64}})
    assert key(other) != key(read("composer", model=made[0]))
    linear = [read("composer", model={"mixer_params": params}) for params in (None, {})]
    assert key(linear[0]) == key(linear[1])


@pytest.mark.parametrize("family", ["lgm", "composer"])
def test_what_is_saved_reads_as_itself(family):
    config = read(family, training=LOSSES["factor"])
    saved = json.loads(json.dumps(config.plain()))
    assert Config.read(saved).plain() == config.plain()
    assert Config.read_saved(saved) == config


def test_settings_that_tell_cells_apart():
    base = key(read())
    same = [
        {"seed": 2},
        {"device": "auto"},
        {"dataset": {"resident": "yes"}},
        {"threads": 2},
        {"dataset": {"root": "/elsewhere"}},
        {"dataset": {"control": True}},
        {"training": {"score_images": 500}},
        {"training": {"execution": "compiled"}},
        {"dataset": {"variant": None, "held_out": "shape == 1 and posX > 0.5"}},
    ]
    apart = [
        {"training": {"epochs": 3}},
        {"training": {"lr": 1e-3}},
        {"training": {"validation_images": 65}},
        {"training": LOSSES["beta"]},
        {"model": {"latent_size": 11}},
        {"model": {"name": "other"}},
        {"dataset": {"factor_scale": "standardised"}},
        {"experiment": "other"},
    ]
    assert {key(read(**change)) for change in same} == {base}
    others = [key(read(**change)) for change in apart]
    assert len({base, *others}) == 1 + len(apart)
    assert key(read(), SPLIT | {"held_out": {"sha256": "another"}}) != base
    assert key(read(), SPLIT | {"validation": {"sha256": "another"}}) != base


def test_a_key_that_came_in_says_what_was_before():
    """Or runs without it would change their meaning, and their cell."""
    earlier = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
    of_then = {
        name
        for path in earlier.glob("*/*/config.json")
        for name in flatten(json.loads(path.read_text(encoding="utf-8")))
    }
    decoder = read_config(
        "decoder", dataset={"name": "dsprites", "source": "stand-in"}, model=DECODERS["fast"],
        training={"loss": {"name": "nll"}},
    )  # fmt: skip
    supervised = read_config(
        "encoder", dataset={"name": "dsprites", "source": "stand-in"},
        model=ENCODERS["fast"], training={"loss": {"name": "nll"}},
    )  # fmt: skip
    configs = (read("lgm"), read("composer"), decoder, supervised)
    now = {name for config in configs for name in config.flat()}
    since = {name for name in now - of_then if not name.startswith("training.loss.params")}
    assert since - {"experiment", "model.family"} == set(BEFORE)


#: Of version 0.1.0.
PARAMETERS = {
    "adagvae": {"beta", "schedule"},
    "beta": {"beta", "schedule"},
    "btcvae": {"alpha", "beta", "gamma"},
    "cci": {"gamma", "capacity"},
    "dip1": {"diagonal", "off_diagonal"},
    "dip2": {"diagonal", "off_diagonal"},
    "factor": {"beta", "gamma", "discriminator_lr", "discriminator_units"},
    "nll": set(),
    "vae": set(),
    "waegan": {"weight", "prior_variance", "discriminator_lr", "discriminator_units"},
    "waemmd": {"weight", "prior_variance"},
}


@pytest.mark.parametrize("name", losses())
def test_a_parameter_that_came_in_says_what_was_before(name):
    since = set(defaults(losses()[name])) - PARAMETERS.get(name, set())
    before = values_before("lgm", name)
    known = {key for key in before if key.startswith("training.loss.params.")}
    assert name not in PARAMETERS or {f"training.loss.params.{key}" for key in since} == known


def test_a_key_may_be_of_one_family_or_objective_alone(monkeypatch):
    new = {"model.mixer_new": {"composer": "x"}, "training.loss.params.new": {"factor": 3}}
    monkeypatch.setattr(baseline, "BEFORE", new)
    saved = {"training": {"loss": {"name": "factor", "params": {"gamma": 1}}}}
    assert list_lacking(saved, "lgm") == {"training": {"loss": {"params": {"new": 3}}}}
    assert list_lacking(saved, "composer")["model"] == {"mixer_new": "x"}
    assert list_lacking({"training": {"loss": {"name": "vae"}}}, "lgm") == {}


@pytest.mark.parametrize("name", ["waemmd", "waegan"])
def test_objectives_without_a_kl_have_no_pairs_of_it(name):
    old = read("composer", training=LOSSES[name]).plain()
    assert old["training"]["loss"]["pair_kl"] is None
    del old["training"]["loss"]["pair_kl"]
    assert key(Config.read_saved(old)) == key(read("composer", training=LOSSES[name]))


def test_a_run_of_a_gpu_is_read_anywhere():
    saved = {**read().plain(), "device": "cuda:7"}
    assert Config.read_saved(saved).device == "cuda:7"
    with pytest.raises(UsageError, match="device 'gpu'; accepted: auto, cpu, cuda"):
        Config.read_saved({**saved, "device": "gpu"})
    with pytest.raises(UsageError, match="device=cuda:7: this machine offers"):
        Config.read(saved)


def test_a_directory_takes_no_other_run(tmp_path):
    directory = RunDirectory(tmp_path)
    running.train(read(), directory)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="'seed' cannot change when a run is resumed"):
        running.train(read(seed=2), directory)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    running.train(read(training={"epochs": 3}), directory)
    assert len(open_run(tmp_path).history) == 3
    assert open_run(tmp_path).status == "COMPLETED"
    assert len(directory.load_starts()) == 2


def test_without_a_checkpoint_a_finished_run_is_scored_and_never_trained(tmp_path):
    directory = RunDirectory(tmp_path)
    first = running.train(read(), directory)
    (tmp_path / "checkpoint.pt").unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataFileError, match="no checkpoint.pt to go on from"):
        running.train(read(training={"epochs": 3}), directory)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    again = running.train(read(training={"score_images": 32}), directory)
    assert again.history == first.history
    assert again.results["scores"]["train"]["images"] == 32
    for name in ("model.pt", "history.csv"):
        assert (tmp_path / name).read_bytes() == before[name]


def test_composers_of_before_summed_no_pairs():
    saved = read("composer").plain()
    assert saved["training"]["loss"]["pair_kl"] == "sum"
    new = Config.read_saved(saved)
    del saved["training"]["loss"]["pair_kl"]
    old = Config.read_saved(saved)
    assert old.training.loss.pair_kl == "mean"
    assert key(old) != key(new)
    assert key(old) == key(read("composer", training={"loss": {"pair_kl": "mean"}}))
    lacking = cell_settings(old, SPLIT)
    del lacking["training.loss.pair_kl"]
    assert hash_cell(lacking) == key(old)


def test_pairs_are_for_composers():
    with pytest.raises(UsageError, match="pair_kl=sum is for composers"):
        read("lgm", training={"loss": {"pair_kl": "sum"}})


def test_a_seed_is_drawn_where_none_is_given():
    seeds = {read(seed=None).seed for _ in range(4)}
    assert len(seeds) == 4
    with pytest.raises(UsageError, match="seed"):
        read(seed=-1)


def test_a_model_larger_than_memory_is_refused_without_taking_any():
    with pytest.raises(UsageError, match="needs .* GB to be trained; this machine has"):
        read(model={"latent_size": 10**6, "encoder": [["flatten", []], ["linear", [10**6]]]})
    with pytest.raises(UsageError, match="needs .* GB to be trained"):
        params = {"discriminator_units": 10**6}
        read(training={"loss": {"name": "factor", "params": params}})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": {"family": "lmg"}}, "unknown model family .*'lmg'.*Did you mean 'lgm'"),
        ({"model": {}}, "model.family is missing; accepted: composer, decoder, encoder, lgm"),
        ({"modle": {}}, "unknown configuration key 'modle'.*Did you mean 'model'"),
        ({"dataset": "dsprites"}, "'dataset' is a section"),
        ({"threads": 100_000}, "threads: input should be less than or equal to 1024"),
        ({"dataset": {"name": "dsprites", "seed": -1}}, "dataset.seed"),
        ({"training": {"lr": "inf"}}, "training.lr: input should be a finite number"),
        ({"training": {"optimizer_params": {"amsgrad": "perhaps"}}}, "optimizer_params.amsgrad"),
        ({"training": {"optimizer_params": {"betas": [2, 3]}}}, "optimizer_params=.*Invalid beta"),
        ({"seed": 5_000_000_000}, "seed: input should be less than 4294967296"),
    ],
)
def test_mistakes(given, message):
    with pytest.raises(UsageError, match=message):
        Config.read({"model": {"family": "lgm"}, **given}, complete=False)


def count(monkeypatch, target, name):
    """Count the calls of a function, which goes on doing what it does."""
    calls, original = [], getattr(target, name)

    def counted(*args, **options):
        calls.append(args)
        return original(*args, **options)

    monkeypatch.setattr(target, name, counted)
    return calls


def test_a_training_is_read_and_assembled_once_and_pairs_are_made_once_a_side(
    tmp_path, monkeypatch
):
    config = read("composer")
    checks = count(monkeypatch, Config, "read")
    assemblies = count(monkeypatch, running, "assemble")
    pairs = count(monkeypatch, Pairs, "__init__")
    directory = RunDirectory(tmp_path)
    training = running.train(config, directory)
    save_examples(view_training(training, directory))
    # Train, validation and held-out side.
    assert (len(checks), len(assemblies), len(pairs)) == (0, 1, 3)
    assert open_run(tmp_path).config == config.plain()
    assert open_run(tmp_path).sides == training.results["split"]
