"""An objective is one file: it is configured, trained and labelled, and nothing else is touched."""

import sys

import pandas as pd
import pytest

from configs.cnnvae import ARCHITECTURES
from configs.training import PROTOCOLS
from conftest import read_config
from disentgen import registry
from disentgen.analysis.cells import describe_cell
from disentgen.errors import UsageError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training import losses as package
from disentgen.training.losses import Loss, losses
from disentgen.training.run import train

FILE = '''
from disentgen.training.losses.base import Loss, NonNegative, kl_terms


class SparseVAE(Loss):
    """NLL + KL + λ·sum of |μ|."""

    name = "sparse"
    named_by = "penalty"

    def __init__(self, penalty: NonNegative = 0.5):
        super().__init__()
        self.penalty = penalty

    def forward(self, output, target, step):
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        size = output.posterior.mean.abs().sum(dim=1).mean()
        loss = cost + self.cost_kl(output, terms["kl"]) + self.penalty * size
        return {"loss": loss, **terms, "size": size}


LOSSES = (SparseVAE,)
'''


@pytest.fixture
def add_objective(tmp_path, monkeypatch):
    """Put a module into a folder that the package of objectives looks into too."""
    folder = tmp_path / "objectives"
    folder.mkdir()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])

    def add(name, text):
        (folder / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"{package.__name__}.{name}", raising=False)
        forget()

    def forget():
        registry.find_exports.cache_clear()
        registry.read_sources.cache_clear()

    yield add
    monkeypatch.undo()
    forget()


def test_an_objective_is_one_file(add_objective, tmp_path):
    add_objective("sparse", FILE)
    config = read_config(
        "lgm",
        dataset={"name": "dsprites", "variant": "shape2tx"},
        model=ARCHITECTURES["fast"],
        training={
            **PROTOCOLS["fast"],
            "loss": {"name": "sparse", "params": {"penalty": 2}},
            "epochs": 1,
            "epoch_length": 2,
            "batch_size": 16,
        },
    )
    train(config, RunDirectory(tmp_path / "run"))
    history = pd.read_csv(tmp_path / "run" / "history.csv").iloc[-1]
    assert history["step"] == 2
    expected = history["train.nll"] + history["train.kl"] + 2 * history["train.size"]
    assert history["train.loss"] == pytest.approx(expected, rel=1e-5)
    assert describe_cell(open_run(tmp_path / "run")).label == "SparseVAE 2"


def test_an_objective_that_is_not_there_is_refused(add_objective):
    assert "sparse" not in losses()
    add_objective("sparse", FILE)
    assert "sparse" in losses()


def test_two_objectives_of_one_name_are_an_error(add_objective):
    add_objective("sparse", FILE.replace('"sparse"', '"beta"'))
    with pytest.raises(UsageError, match=r"called 'beta', in sparse.py and vae.py; rename one"):
        losses()


def test_a_label_goes_on_with_a_parameter_that_there_is():
    with pytest.raises(TypeError, match="Wrong.named_by = 'beta' is none of its parameters"):

        class Wrong(Loss):
            named_by = "beta"


def test_a_title_is_the_class_s_own():
    class Half(losses()["beta"]):
        name = "half"

    assert (Half.title, losses()["beta"].title) == ("Half", "β-VAE")
