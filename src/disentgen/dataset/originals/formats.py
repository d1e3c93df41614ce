"""Formats of published files, chosen by the ending of the name."""

from pathlib import Path

from disentgen.dataset.originals.archive import ArchiveFormat
from disentgen.errors import UsageError


def find_format(path: Path) -> ArchiveFormat:
    """The format of an archive, by the ending of its name.

    Raises:
        UsageError: the name ends otherwise.
    """
    # Each format is imported on its own: h5py takes time to start.
    if path.suffix == ".npz":
        from disentgen.dataset.originals import npz

        return npz
    if path.suffix in (".h5", ".hdf5"):
        from disentgen.dataset.originals import hdf5

        return hdf5
    if path.suffix == ".parquet":
        from disentgen.dataset.originals import parquet

        return parquet
    if path.suffix == ".mat":
        from disentgen.dataset.originals import norb

        return norb
    if path.suffixes[-2:] == [".tar", ".gz"]:
        from disentgen.dataset.originals import cars

        return cars
    raise UsageError(f"{path}: expected a name that ends in .npz, .h5, .hdf5 or .parquet.")
