import pytest

from disentgen.analysis.cells import Cell


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
