import pytest

from disentgen.analysis.cells import Cell, hash_config

CONFIG = {
    "dataset": {"name": "dsprites", "root": None, "control": False, "variant": "shape2tx"},
    "model": {"name": "kim"},
    "training": {"epochs": 1},
    "seed": 1,
    "device": "auto",
    "threads": 2,
}


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


def test_seed_device_and_control_do_not_tell_cells_apart_and_all_else_does():
    key = hash_config(CONFIG, "disent")
    same = CONFIG | {"seed": 2, "device": "cpu", "threads": 1}
    same["training"] = CONFIG["training"] | {"score_images": 500, "score_samples": 64}
    same["dataset"] = CONFIG["dataset"] | {"control": True, "root": "/elsewhere"}
    assert hash_config(same, "disent") == key
    for section in ("dataset", "model", "training"):
        other = CONFIG | {section: CONFIG[section] | {"something": 1}}
        assert hash_config(other, "disent") != key
    assert hash_config(CONFIG, "composition") != key
    assert CONFIG["dataset"]["control"] is False
