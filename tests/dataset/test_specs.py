"""One more dataset is one file; one more held-out condition is an entry of it, or an expression."""

import runpy
import sys

import numpy as np
import pytest

import disentgen.dataset.specs
from disentgen.dataset import build_dataset
from disentgen.dataset.__main__ import main
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.registry import find_exports
from processes import SCRIPTS

#: Those that can be used without their file first, those that are drawn last.
DATASETS = ["dsprites", "mpi3d", "shapes3d", "cars3d", "smallnorb", "bumps", "two_sprites"]
FILE = '''
"""Grey bars of some width at some place."""

import numpy as np

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.variants import Variant

GRID = FactorGrid({"width": (1.0, 2.0, 3.0), "column": (0.0, 2.0, 4.0, 6.0)})


def render(indices):
    width, column = GRID.values(indices).T[..., None, None]
    y, x = np.mgrid[:5, :9]
    return ((x >= column) & (x < column + width)).astype(np.uint8)[..., None]


SPECS = (
    DatasetSpec(
        name="bars",
        title="Bars",
        grid=GRID,
        pixels_shape=(5, 9, 1),
        maximum=1,
        variants={"wide_right": Variant("recomb2range", "width > 2 & column > 3")},
        original=OriginalFile(
            folder="bars", names=("bars.npz",), url="https://example.org/bars.npz",
            hash="md5:0", licence="none", key="images", labels=dict,
        ),
        render=render,
    ),
)
'''


def clear_caches():
    find_exports.cache_clear()


@pytest.fixture
def bars(tmp_path, monkeypatch):
    """A folder outside the library that holds one more specification."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "bars.py").write_text(FILE)
    path = [*disentgen.dataset.specs.__path__, str(tmp_path / "specs")]
    monkeypatch.setattr(disentgen.dataset.specs, "__path__", path)
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    clear_caches()
    yield
    sys.modules.pop("disentgen.dataset.specs.bars", None)
    clear_caches()


def test_a_dataset_is_one_file(bars, capsys):
    assert list(load_specs()) == ["bars", *DATASETS]
    dataset = build_dataset("bars", variant="wide_right")
    assert dataset.label == "Bars (rendered stand-in)"
    assert dataset.split.indices("held_out").tolist() == [10, 11]
    observed = dataset.observe("cpu")
    assert observed.images(np.array([10])).shape == (1, 1, 5, 9)
    assert observed.factor_values(np.array([10])).tolist() == [[3.0, 4.0]]
    main(["list"])
    assert "bars " in capsys.readouterr().out
    named = runpy.run_path(str(SCRIPTS / "configs" / "datasets.py"))["list_datasets"]()
    assert named["bars"] == {"name": "bars"}


def test_datasets_are_those_of_the_folder_again():
    assert list(load_specs()) == DATASETS


def test_a_held_out_condition_is_one_entry_or_one_expression(bars):
    by_name = build_dataset("bars", variant="wide_right").split
    by_condition = build_dataset("bars", condition="recomb2range").split
    by_words = build_dataset("bars", held_out="column > 3 and width == 3").split
    assert by_name.sha256("held_out") == by_condition.sha256("held_out")
    assert by_name.sha256("held_out") == by_words.sha256("held_out")
    assert by_name.sha256("train") == by_words.sha256("train")


def test_shapes_of_files_have_channels_last_and_of_models_first(bars):
    spec = find_spec("bars")
    assert (spec.pixels_shape, spec.image_shape, spec.stored_shape) == (
        (5, 9, 1), (1, 5, 9), (5, 9),
    )  # fmt: skip
    assert find_spec("mpi3d").stored_shape == find_spec("mpi3d").pixels_shape == (64, 64, 3)
    assert find_spec("mpi3d").image_shape == (3, 64, 64)
