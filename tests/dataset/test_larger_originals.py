"""SmallNORB and Cars3D in archives of their layout, made here: none was genuine."""

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from disentgen.dataset.build import open_images
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.originals.download import download
from disentgen.dataset.originals.verify import compute_hash
from disentgen.dataset.spec import find_spec
from disentgen.errors import DataFileError, UsageError


@pytest.fixture(autouse=True)
def raw(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    for name in ("smallnorb", "cars3d"):
        (tmp_path / "raw" / name).mkdir(parents=True)
    return tmp_path / "raw"


def write_matrix(path, array):
    """As on the page of NORB: type, axes, lengths (three at least), numbers."""
    code = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}[str(array.dtype)]
    lengths = [*array.shape, *[1] * (3 - array.ndim)]
    head = np.array([code, array.ndim, *lengths], "<i4")
    path.write_bytes(head.tobytes() + array.tobytes())


@pytest.fixture
def norb(raw):
    """A specification with fewer combinations, the classes of its two halves, and their folder."""
    sizes = {"category": 2, "instance": 4, "elevation": 1, "azimuth": 3, "lighting": 2}
    grid = FactorGrid({name: tuple(map(float, range(size))) for name, size in sizes.items()})
    classes = grid.classes(np.random.default_rng(0).permutation(grid.size))
    halves = {"5x46789x9x18x6x2x96x96-training": classes[classes[:, 1] > 1],
              "5x01235x9x18x6x2x96x96-testing": classes[classes[:, 1] <= 1]}  # fmt: skip
    for half, of in halves.items():
        images = np.zeros((len(of), 2, 96, 96), np.uint8)
        images[:, 0] = grid.indices(of)[:, None, None] * 2
        images[:, 1] = 255  # of the second camera
        path = raw / "smallnorb" / f"smallnorb-{half}"
        write_matrix(path.with_name(f"{path.name}-dat.mat"), images)
        write_matrix(path.with_name(f"{path.name}-cat.mat"), of[:, 0].astype(np.int32))
        info = of[:, 1:] * [1, 1, 2, 1]
        write_matrix(path.with_name(f"{path.name}-info.mat"), info.astype(np.int32))
    return replace(find_spec("smallnorb"), grid=grid)


def test_smallnorb_is_read_from_its_six_matrices(norb):
    images, note = open_images(norb, None, "auto")
    everything = np.arange(norb.grid.size)
    pixels = images(everything)
    assert pixels.shape == (48, 64, 64, 1)
    assert (pixels == (2 * everything)[:, None, None, None]).all()
    assert "a copy (known by its factors, not by a hash) of SmallNORB" in note


@pytest.mark.parametrize(("name", "content", "message"), [
    ("smallnorb-5x01235x9x18x6x2x96x96-testing-dat.mat", None, "24 images in tables, expected all"),
    ("smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat", None, "cannot read .*No such file"),
    ("smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat", b"MATLAB 5.0 MAT-file" * 9, "is not a m"),
    ("smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat",
     np.array([0x1E3D4C55, 4, 24300, 2, 96, 96], "<i4").tobytes(), "is truncated"),
])  # fmt: skip
def test_matrices_that_lack_or_are_others_are_named(norb, raw, name, content, message):
    path = raw / "smallnorb" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataFileError, match=message) as caught:
        open_images(norb, None, "auto")
    assert "\n" not in str(caught.value)


def write_cars(path, cars, listed=None, shape=(128, 128, 3, 24, 4)):
    """An archive of cars whose views are of one brightness each: car, azimuth, elevation."""
    with tarfile.open(path, "w:gz") as archive:

        def add(name, content):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        add("data/shapes48.mat", b"something else")
        for number, name in reversed(list(enumerate(cars))):
            image = np.zeros(shape, np.uint8)
            image += np.arange(96, dtype=np.uint8).reshape(shape[3:]) + np.uint8(100 * number)
            content = io.BytesIO()
            savemat(content, {"im": image, "mask": np.zeros(3)})
            add(f"data/cars/{name}.mat", content.getvalue())
        add("data/cars/list.txt", "\n".join(listed or cars).encode())


def make_cars(path, cars=("car_019_mesh", "car_002_mesh"), **given):
    write_cars(path, cars, **given)
    spec = find_spec("cars3d")
    values = {**spec.grid.factor_values, "object_type": (0.0, 1.0)}
    original = replace(spec.original, hash=f"md5:{compute_hash(path, 'md5')}")
    return replace(spec, grid=FactorGrid(values), original=original)


def test_cars_stand_in_the_order_of_their_list(raw):
    spec = make_cars(raw / "cars3d" / "nips2015-analogy-data.tar.gz")
    images, _ = open_images(spec, None, "auto")
    assert images.hash == spec.original.hash
    indices = np.arange(spec.grid.size)
    car, azimuth, elevation = spec.grid.classes(indices).T
    expected = 100 * car + 4 * azimuth + elevation
    pixels = images(indices)
    assert pixels.shape == (192, 64, 64, 3)
    assert (pixels == expected[:, None, None, None]).all()


@pytest.mark.parametrize(("given", "message"), [
    ({"listed": ["car_019_mesh", "car_003_mesh"]}, "list.txt names other cars than there are"),
    ({"cars": ["car_001_mesh"]}, r"'images' is uint8 of shape \(96, 64, 64, 3\), expected"),
    ({"shape": (64, 64, 3, 4, 24)}, r"car_002_mesh.mat holds uint8 of shape \(64, 64, 3, 4, 24\)"),
])  # fmt: skip
def test_other_archives_of_cars_are_refused(raw, given, message):
    spec = make_cars(raw / "cars3d" / "nips2015-analogy-data.tar.gz", **given)
    with pytest.raises(DataFileError, match=message):
        open_images(spec, None, "auto")


def test_what_has_no_stand_in_needs_its_file(raw):
    for name, version in (("cars3d", None), ("smallnorb", None), ("mpi3d", "complex")):
        spec = find_spec(name, version)
        with pytest.raises(UsageError, match="has no stand-in"):
            open_images(spec, None, "stand-in")
        with pytest.raises(DataFileError, match=rf"the original {spec.title} file is not at"):
            open_images(spec, None, "auto")
    with pytest.raises(DataFileError, match="no address of the MPI3D complex file is known"):
        download(find_spec("mpi3d", "complex"), None)


def test_grids_are_as_large_as_published():
    counts = {
        (name, version): find_spec(name, version).grid.size
        for name, version in (("cars3d", None), ("smallnorb", None), ("mpi3d", "complex"))
    }
    assert list(counts.values()) == [17_568, 48_600, 460_800]
    assert find_spec("mpi3d", "complex").grid.sizes == (4, 4, 2, 3, 3, 40, 40)
