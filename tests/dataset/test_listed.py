import numpy as np
import pytest

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.listed import read_listed, write_listed
from disentgen.dataset.spec import find_spec
from disentgen.dataset.splitting import build_split
from disentgen.errors import DataFileError

GRID = FactorGrid({"a": (0.0, 1.0, 2.0), "b": (0.0, 1.0, 2.0, 3.0)})
CHOSEN = np.array([7, 0, 3, 11])
CLASSES = GRID.classes(CHOSEN)


def save_text(path, text):
    path.write_text(text, encoding="utf-8")


def as_rows(rows):
    return "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())


WRITERS = {
    "classes.npz": lambda path: np.savez(path, CLASSES),
    "columns.npz": lambda path: np.savez(path, np.asfortranarray(CLASSES)),
    "bytes.npz": lambda path: np.savez_compressed(path, CLASSES.astype(np.uint8)),
    "floats.npz": lambda path: np.savez(path, CLASSES.astype(float)),
    "indices.npz": lambda path: np.savez(path, CHOSEN),
    "column.npz": lambda path: np.savez(path, CHOSEN[:, None]),
    "own.npz": lambda path: write_listed(path, CHOSEN),
    "rows.csv": lambda path: save_text(path, as_rows(CLASSES)),
    "named.csv": lambda path: save_text(path, "b,a\n" + as_rows(CLASSES[:, ::-1])),
    "indices.csv": lambda path: save_text(path, "\ufeffindex\n" + as_rows(CHOSEN[:, None])),
    "numbers.csv": lambda path: save_text(path, as_rows(CHOSEN[:, None])),
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_list_images_by_classes_or_indices(tmp_path, name):
    WRITERS[name](tmp_path / name)
    mask, line = read_listed(tmp_path / name, GRID)
    assert np.array_equal(np.flatnonzero(mask), np.sort(CHOSEN))
    assert line.startswith(f"listed in {name} (sha256 ")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npz", CLASSES[[0, 1, 0]], "rows 0 and 2 are the same image"),
        ("a.npz", np.array([[0, 0], [0, 4]]), r"row 1 \(0, 4\) is not of the grid; whole numbers "
         "from 0 to below 3, 4 are"),
        ("a.npz", np.array([[0, -1]]), r"row 0 \(0, -1\) is not of the grid"),
        ("a.npz", np.array([[0, 1.5]]), r"row 0 \(0, 1.5\) is not of the grid"),
        ("a.npz", np.array([[0, np.nan]]), r"row 0 \(0, nan\) is not of the grid"),
        ("a.npz", np.array([12]), r"row 0 \(12\) is not of the grid; .* from 0 to below 12 are"),
        ("a.npz", np.zeros((2, 3), int), r"the shape \(2, 3\); expected is \(images, 2\) of clas"),
        ("a.npz", np.zeros((13, 2), int), "at most 12 images"),
        ("a.npz", np.array([[{}]]), "a.npz"),
        ("a.csv", "a,c\n0,1\n", "has the columns a, c; expected are a, b, or index alone"),
        ("a.csv", "0,1,2\n", "has 3 columns; expected are the classes of a, b, or indices"),
        ("a.csv", "a,b\n0,x\n", "is no table of numbers"),
        ("a.csv", "a,b\n", "is no table of numbers: it lists no images"),
        ("a.csv", "a,b\n\n", "is no table of numbers: it lists no images"),
        ("a.csv", "a,b\n# 0,1\n", "is no table of numbers"),
        ("a.csv", "", "is no table of numbers: it lists no images"),
        ("a.txt", "", "is neither of .npz, .csv"),
    ],
)  # fmt: skip
def test_files_that_do_not_list_images_of_the_grid_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    save_text(path, content) if isinstance(content, str) else np.savez(path, content)
    with pytest.raises(DataFileError, match=message):
        read_listed(path, GRID)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataFileError, match="b.npz is not there; it should list the images"):
        read_listed(tmp_path / "b.npz", GRID)


def test_a_split_of_files_is_that_of_the_same_expression(tmp_path):
    spec = find_spec("dsprites")
    expected = build_split(spec, variant="blank_side")
    for side in ("held_in", "held_out"):
        np.savez(tmp_path / f"{side}.npz", spec.grid.classes(expected.indices(side)))
    files = {f"{side}_file": str(tmp_path / f"{side}.npz") for side in ("held_in", "held_out")}
    split = build_split(spec, **files)
    drop = {"expressions"}
    assert {k: v for k, v in split.describe().items() if k not in drop} == {
        k: v for k, v in expected.describe().items() if k not in drop
    }
    rest = build_split(spec, held_in_file=files["held_in_file"])
    assert np.array_equal(rest.held_out, ~rest.held_in)
    assert rest.expressions["held_out"].startswith("not listed in held_in.npz (sha256 ")
