import numpy as np
import pytest
import torch

from configs.cnnvae import ENCODERS
from configs.decoders import DECODERS
from conftest import read_config
from disentgen.analysis.codes import collect_codes, encode
from disentgen.analysis.probes import PROBES, measure_placement
from disentgen.dataset.split import SIDES
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.encoder import FactorEncoder
from disentgen.models.outputs import FactorOutput
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training.run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    given = {
        "dataset": {"name": "dsprites", "source": "stand-in", "variant": "shape2tx"},
        "model": ENCODERS["fast"],
        "training": {"loss": {"name": "nll"}, "epochs": 1, "epoch_length": 2,
                     "validation_images": 16, "score_images": 16, "find_duplicates": False},
    }  # fmt: skip
    train(read_config("encoder", **given), RunDirectory(folder))
    return open_run(folder)


class Places(FactorEncoder):
    """An encoder that sees where a sprite is, and nothing else."""

    def __init__(self):
        torch.nn.Module.__init__(self)

    def forward(self, images):
        weight = images.flatten(1)
        rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        centre = [(weight * axis.flatten()).sum(1) / weight.sum(1) for axis in (rows, columns)]
        return FactorOutput(torch.stack(centre, dim=1))


@pytest.mark.parametrize("kind", PROBES)
def test_placement_tells_what_a_code_holds(run, kind):
    run.__dict__["model"] = Places()
    codes = {side: collect_codes(run, side, 400) for side in SIDES}
    table = measure_placement(codes, run.split.grid.names, kind).set_index(["side", "factor"])
    assert len(table) == 15
    for side in ("train", "validation", "held_out"):
        # On the held-out side every sprite is in the right half: a linear reading still finds it.
        assert table["squared_error"][side]["posX"] < 0.02
        assert table["squared_error"][side]["posY"] < 0.02
    assert table["squared_error"]["validation"]["orientation"] == pytest.approx(1, abs=0.25)
    assert (table["images"] == 400).all()


def test_codes_are_those_of_the_images_that_scores_are_of(run):
    run.__dict__["model"] = Places()
    codes = collect_codes(run, "held_out", 50)
    assert np.array_equal(codes.indices, run.split.sample("held_out", 50))
    classes = run.split.grid.classes(codes.indices)
    assert np.corrcoef(codes.codes[:, 1], classes[:, 3])[0, 1] > 0.999
    assert codes.values.shape == (50, 5)


def test_decoders_have_no_codes():
    with pytest.raises(UsageError, match="has no encoder"):
        encode(build_model("decoder", (1, 64, 64), 5, DECODERS["fast"]), torch.zeros(1, 1, 64, 64))
