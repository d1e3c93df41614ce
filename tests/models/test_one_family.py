"""A family of models is one file: it is read, trained, encoded, shown and named by that alone."""

import ast
from dataclasses import replace

import pytest
import torch

from configs.cnnvae import ARCHITECTURES, ENCODERS
from conftest import REPOSITORY, read_config
from disentgen import models
from disentgen.analysis.cells import describe_cell
from disentgen.analysis.figures.examples import run_examples, save_examples
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.codes import collect_codes
from disentgen.analysis.tables import tabulate_runs
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import split_grid
from disentgen.dataset.tasks import Reconstruct
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, build_model, families
from disentgen.models.families.composer import ComposerOutput
from disentgen.models.families.lgm import LatentGaussianOutput
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import ImageOutput
from disentgen.registry import load_named
from disentgen.run_directory import RunDirectory
from disentgen.run_files import families_by_experiment
from disentgen.runs import open_run
from disentgen.training.run import train

DETERMINISTIC = '''
"""An autoencoder without noise."""

from torch import nn

from disentgen.dataset.tasks import Reconstruct
from disentgen.models.base import Model
from disentgen.models.family import Examples, Family
from disentgen.models.layers import ImageShape, LayerList, Linear, Stack, make_decoder, read_layers
from disentgen.models.layers import transpose, write_layers
from disentgen.models.outputs import ImageOutput


class Deterministic(Model):
    output = ImageOutput

    def __init__(self, down, up):
        super().__init__()
        self.down, self.up = down, up

    @property
    def image_shape(self):
        return self.down.input_shape

    @property
    def layers(self):
        return {"network": write_layers(self.down.layers[:-1])}

    def forward(self, images):
        return ImageOutput(self.up(self.down(images)))


def build(image_shape: ImageShape, network: LayerList = None, width: int = 3,
          name: str | None = None) -> Deterministic:
    layers = read_layers("model.network", network, image_shape)
    down = Stack([*layers, Linear(width)], image_shape)
    back = [Linear(down.shapes[-2][0]), *transpose(layers, image_shape)]
    return Deterministic(down, make_decoder(back, (width,), image_shape))


FAMILY = Family(
    name="flat",
    title="autoencoder",
    model=Deterministic,
    build=build,
    task=Reconstruct,
    examples=lambda inputs, target, output, names: Examples({"given": target, "made":
                                                             output.images}, list(names)[:2]),
    encode=lambda model, images: model.down(images),
)
'''
SECTION = {
    "dataset": {"name": "dsprites", "source": "stand-in", "variant": "shape2tx"},
    "model": {"network": [["conv", ["4", 8, 8]], ["relu", []], ["flatten"]]},
    "training": {"loss": {"name": "nll"}, "epochs": 1, "epoch_length": 2, "validation_images": 16,
                 "score_images": 16, "find_duplicates": False},
}  # fmt: skip


@pytest.fixture
def flat(add_module):
    add_module(families, "deterministic", DETERMINISTIC)


def test_a_family_is_one_file(flat, tmp_path):
    config = read_config("flat", **SECTION)
    assert config.model["network"] == [["conv", [4, 8, 8]], ["relu"], ["flatten"]]
    train(config, RunDirectory(tmp_path / "run"))
    run = open_run(tmp_path / "run")
    assert run.family == "flat" and run.results["epochs"] == 1
    assert "elbo" not in run.results["scores"]["train"]

    codes = collect_codes(run, "held_out", 7)
    images = run.dataset.observe().images(codes.indices)
    with torch.no_grad():
        made = run.model(images)
        torch.testing.assert_close(torch.from_numpy(codes.codes), run.model.down(images).double())
    assert Measurements(run).has_codes

    rows, captions = run_examples(run, "held_out", 5)
    assert {name: len(row) for name, row in rows.items()} == {"given": 5, "made": 5}
    assert captions == ["shape", "scale"]
    assert made.images.shape[1:] == rows["made"].shape[1:]
    assert [path.name for path in save_examples(run)] == ["reconstructions.png"]

    cell = describe_cell(run)
    assert (cell.model, cell.parameters) == ("autoencoder (NLL)", "")
    table = tabulate_runs([run])
    assert table["family"].tolist() == ["flat"] and table["disentanglement"].isna().all()
    assert FAMILIES["flat"].figure_group == ""


def test_families_that_share_a_name_or_an_experiment_are_refused(add_module):
    add_module(families, "again", DETERMINISTIC.replace('"flat"', '"lgm"'))
    with pytest.raises(UsageError, match="called 'lgm', in again.py and lgm.py; rename one"):
        load_named(families.__name__, "FAMILY")
    twin = DETERMINISTIC.replace('"flat"', '"twin", experiment="decoders"')
    add_module(families, "twin", twin)
    with pytest.raises(UsageError, match="'decoder' and 'twin' have the same exp.*, 'decoders'"):
        families_by_experiment()


def test_what_is_known_of_each_family():
    known = {
        name: (family.experiment, family.name_model("X"), family.figure_group,
               family.encode is not None, family.examples is not None, family.disentanglement)
        for name, family in FAMILIES.items()
        if name in ("lgm", "decoder", "composer", "encoder")
    }  # fmt: skip
    assert known == {
        "lgm": ("disent", "X", "", True, True, None),
        "decoder": ("decoders", "ground-truth decoder", "", False, True, 1.0),
        "composer": ("composition", "composer (X)", "composition", True, True, None),
        "encoder": ("supervised", "supervised encoder", None, True, False, None),
    }
    assert all(family.name == name for name, family in FAMILIES.items())
    assert families_by_experiment() == {
        family.experiment: name for name, family in FAMILIES.items() if family.experiment
    }


@pytest.mark.parametrize(("name", "architecture"), [("lgm", ARCHITECTURES["fast"]),
                                                    ("composer", ARCHITECTURES["fast"]),
                                                    ("encoder", ENCODERS["fast"])])  # fmt: skip
def test_codes_are_posterior_means_or_predicted_factors(name, architecture):
    model, images = build_model(name, (1, 64, 64), 5, architecture), torch.rand(3, 1, 64, 64)
    with torch.no_grad():
        codes, raw = FAMILIES[name].encode(model.eval(), images), model.encoder(images)
    torch.testing.assert_close(codes, raw[:, : codes.shape[1]])
    assert codes.shape == (3, 5 if name == "encoder" else model.latent_size)


def test_partners_of_validation_images_are_of_the_whole_held_in_side():
    class Pool(Reconstruct):
        def __init__(self, grid, pool):
            self.pool = pool.tolist()

    split = split_grid(
        FactorGrid({"a": (0, 1, 2), "b": (0, 1)}), "a == 0", None, validation=0.5, seed=0
    )
    pools = {
        side: replace(FAMILIES["composer"], task=Pool).make_task(split, side).pool
        for side in ("train", "validation", "held_out")
    }
    assert pools["validation"] == [2, 3, 4, 5] and pools["held_out"] == [0, 1]
    assert pools["train"] == split.indices("train").tolist() and len(pools["train"]) == 2


LOGITS = torch.tensor([0.0, 1.0, -1.0]).reshape(3, 1, 1, 1)
TARGET = torch.tensor([0.1, 0.2, 0.3]).reshape(3, 1, 1, 1)
POSTERIOR = DiagonalGaussian(torch.zeros(3, 2), torch.zeros(3, 2))


def test_examples_are_originals_over_what_is_made_of_them():
    probabilities = 1 / (1 + torch.exp(-LOGITS))
    outputs = {
        "lgm": ("reconstruction", LatentGaussianOutput(LOGITS, POSTERIOR, POSTERIOR.mean)),
        "decoder": ("generated", ImageOutput(LOGITS)),
    }
    for name, (title, output) in outputs.items():
        rows, captions = FAMILIES[name].examples(TARGET, TARGET, output, ("a", "b"))
        assert list(rows) == ["original", title] and captions == []
        torch.testing.assert_close(rows["original"], TARGET)
        torch.testing.assert_close(rows[title], probabilities)


def test_examples_of_composers_show_both_images_and_the_exchanged_factor():
    action = torch.tensor([[0, 1], [1, 0], [0, 1]])
    output = ComposerOutput(LOGITS, POSTERIOR, POSTERIOR.mean, action)
    inputs = (TARGET + 0.1, TARGET + 0.2, action)
    rows, captions = FAMILIES["composer"].examples(inputs, TARGET, output, ("a", "b"))
    assert list(rows) == ["reference", "takes from", "target", "composed"]
    assert captions == ["b", "a", "b"]
    for row, offset in zip(rows.values(), (0.1, 0.2, 0), strict=False):
        torch.testing.assert_close(row, TARGET + offset)
    torch.testing.assert_close(rows["composed"], torch.sigmoid(LOGITS))


#: Words that are something else too: keys of ``model`` sections, which hold layers, and the title
#: of a row in the tables of a study.
OTHER_MEANINGS = {"src/disentgen/models": {"encoder", "decoder"},
                  "scripts/configs": {"encoder", "decoder"},
                  "src/disentgen/studies": {"composer"}}  # fmt: skip
#: What configurations of earlier versions mean. It belongs to the cells that they are in and must
#: not move with a family's record.
FROZEN = "src/disentgen/training/baseline.py"


def list_uses(tree, names):
    """Names that are compared, looked up, or keys of a dictionary, with their lines."""
    for node in ast.walk(tree):
        kinds = []
        if isinstance(node, ast.Compare):
            kinds = [("compared", node.left), *(("compared", part) for part in node.comparators)]
        elif isinstance(node, ast.MatchValue):
            kinds = [("compared", node.value)]
        elif isinstance(node, ast.Subscript):
            kinds = [("key", node.slice)]
        elif isinstance(node, ast.Dict):
            kinds = [("key", key) for key in node.keys if key is not None]
        for use, part in kinds:
            for leaf in ast.walk(part):
                if isinstance(leaf, ast.Constant) and leaf.value in names:
                    yield use, leaf.value, leaf.lineno


def find_uses(path, names):
    """Uses of families' names in a file, but those that mean something else there."""
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    other = {word for folder, words in OTHER_MEANINGS.items() if path.startswith(folder)
             for word in words}  # fmt: skip
    return [f"{path}:{line}: '{name}' {use}" for use, name, line in list_uses(tree, names)
            if use == "compared" or name not in other]  # fmt: skip


def test_no_other_file_compares_the_name_of_a_family():
    files = [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "scripts").rglob("*.py")]
    own = REPOSITORY / "src" / "disentgen" / "models" / "families"
    paths = [file.relative_to(REPOSITORY).as_posix() for file in files if own not in file.parents]
    names = set(models.FAMILIES)
    uses = [use for path in paths if path != FROZEN for use in find_uses(path, names)]
    assert uses == []
    source = 'a in ("lgm", b)\n{"decoder": 1}[c]\nd["composer"]\nmatch e:\n    case "encoder": pass'
    found = [use[1] for use in list_uses(ast.parse(source), names)]
    assert sorted(found) == ["composer", "decoder", "encoder", "lgm"]
