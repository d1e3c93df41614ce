import pytest

from conftest import REPOSITORY
from disentgen.analysis.cells import Cell, condition_titles, describe_cell, find_variant
from disentgen.dataset.spec import find_spec
from disentgen.dataset.splits import split_families
from disentgen.dataset.splitting import build_split
from disentgen.runs import open_run


@pytest.mark.parametrize(
    ("model", "parameters", "label"),
    [
        ("VAE", "beta=1", "VAE"),
        ("β-VAE", "beta=8", "β-VAE 8"),
        ("β-VAE", "beta=1", "β-VAE 1"),
        ("FactorVAE", "gamma=1", "FactorVAE 1"),
        ("composer (VAE)", "beta=1", "composer (VAE)"),
        ("ground-truth decoder", "", "ground-truth decoder"),
    ],
)
def test_models_are_called_as_in_the_published_tables(model, parameters, label):
    cell = Cell("", "disent", "dsprites", None, "stand-in", "extrp", "blank_side", model,
                parameters, "kim", False)  # fmt: skip
    assert cell.label == label


EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
RANGE, ELEMENT = ("recomb2range", "shape2tx"), ("recomb2element", "leave1out")


@pytest.mark.parametrize(
    ("name", "data", "split", "model", "architecture", "control"),
    [
        ("disent/1", ("dsprites", None), RANGE, ("VAE", "beta=1"), "tiny", False),
        ("disent/vae-control", ("dsprites", None), RANGE, ("VAE", "beta=1"), "tiny", True),
        ("disent/vae-words-not", ("dsprites", None), RANGE, ("VAE", "beta=1"), "tiny", False),
        ("disent/beta-4-text", ("dsprites", None), RANGE, ("β-VAE", "beta=4"), "tiny", False),
        ("disent/factor", ("dsprites", None), RANGE, ("FactorVAE", "gamma=100"), "tiny", False),
        ("disent/adagvae", ("dsprites", None), RANGE, ("Ada-GVAE", "beta=1"), "tiny", False),
        ("disent/pooled", ("dsprites", None), RANGE, ("VAE", "beta=1"), "pooled", False),
        ("disent/mpi3d-toy", ("mpi3d", "toy"), ("recomb2range", "cyl2horz"), ("VAE", "beta=1"),
         "tiny", False),
        ("disent/other-nothing-held-out", ("dsprites", None), ("none", "all images"),
         ("VAE", "beta=1"), "tiny", False),
        ("disent/other-split", ("dsprites", None), ("own", "shape == 1 & posX > 0.75"),
         ("VAE", "beta=1"), "tiny", False),
        ("composition/mlp", ("dsprites", None), RANGE, ("composer (VAE)", "beta=1"), "tiny",
         False),
        ("decoders/1", ("dsprites", None), ELEMENT, ("ground-truth decoder", ""), "tiny", False),
        ("decoders/control", ("dsprites", None), ELEMENT, ("ground-truth decoder", ""), "tiny",
         True),
        ("supervised/raw", ("dsprites", None), ELEMENT, ("supervised encoder", ""), "tiny",
         False),
    ],
)  # fmt: skip
def test_a_cell_says_what_its_runs_have_in_common(name, data, split, model, architecture, control):
    cell = describe_cell(open_run(EARLIER / name))
    assert cell.experiment == name.partition("/")[0]
    assert (cell.dataset, cell.version) == data
    assert cell.source == "stand-in"
    assert (cell.condition, cell.variant) == split
    assert (cell.model, cell.parameters) == model
    assert (cell.architecture, cell.control) == (architecture, control)


def test_layers_of_ones_own_are_called_that():
    run = open_run(EARLIER / "disent" / "1")
    model = {key: value for key, value in run.config["model"].items() if key != "name"}
    vars(run)["config"] = {**run.config, "model": model}
    assert describe_cell(run).architecture == "own layers"


def find_keys(*names):
    return {describe_cell(open_run(EARLIER / "disent" / name)).key for name in names}


def test_runs_of_one_cell_differ_in_seed_place_words_or_control():
    assert len(find_keys("1", "2", "vae-control", "vae-moved-data", "vae-words-sign",
                         "vae-words-held-in", "vae-scores", "vae-device")) == 1  # fmt: skip
    names = ("1", "beta-4", "beta-10", "factor", "factor-20", "batch-16", "fast", "other-rate",
             "other-epochs", "other-split", "other-latents", "mpi3d", "mpi3d-toy")  # fmt: skip
    assert len(find_keys(*names)) == len(names)


@pytest.mark.parametrize("name", ["dsprites", "shapes3d"])
def test_variants_are_recognised_by_their_sides(name):
    spec = find_spec(name)
    for variant in ("leave1out", "orthotopic_c1", "matched_c1", "single_1_01"):
        # Which of the images held in are for validation is another matter.
        split = build_split(spec, variant=variant, validation=0.2, seed=7)
        assert find_variant(spec.name, None, split.describe()) == variant
    thinned = build_split(spec, variant="leave1out", thin="class(orientation) % 2 == 1")
    assert find_variant(spec.name, None, thinned.describe()) is None


def test_of_variants_with_equal_sides_the_first_is_meant_and_weights_tell_apart():
    spec = find_spec("dsprites")
    assert find_variant("dsprites", None, build_split(spec, variant="sqr2tx").describe()) == (
        "shape2tx"
    )
    params = {"pairs": [["shape", "scale"]], "sigma": 0.05, "beyond": 4}
    other = build_split(spec, split="correlated", split_params=params)
    same_sides = build_split(spec, variant="single_1_01")
    assert other.sha256("held_out") == same_sides.sha256("held_out")
    assert find_variant("dsprites", None, other.describe()) is None


def test_conditions_have_titles_in_the_order_of_pages():
    assert list(condition_titles().values()) == [
        "Recombination to element", "Recombination to range", "Extrapolation", "Interpolation",
        "Supports of two objects", *(family.title for family in split_families().values()),
        "Own split", "Nothing held out",
    ]  # fmt: skip
