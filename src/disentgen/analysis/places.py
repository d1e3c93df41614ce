"""Where what is measured on a run is kept: in its folder, or beside a report of an archive."""

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

from disentgen.files import ARRAY_BYTES, own_folder
from disentgen.paths import can_be_written, make_folder


class Place(NamedTuple):
    """A folder of what is kept.

    Args:
        folder: that it is read from.
        writable: whether more can be kept there.
    """

    folder: Path
    writable: bool = True


def choose_place(run: Path, beside: Path | None) -> Place:
    """Where what is measured on a run is kept: in ``analysis`` of its folder, where that can be.

    A folder that was archived read-only is not written to. Then what is there is copied once to a
    folder of the report's, and more is kept in that.

    Args:
        run: its folder.
        beside: the report's folder; None where nothing is to be kept elsewhere.

    Raises:
        DataFileError: ``analysis`` is a link to elsewhere.
    """
    own = run / "analysis"
    if is_writable(run):
        return Place(own)
    if beside is None:
        return Place(own, writable=False)
    digest = hashlib.sha256(os.fsencode(run.absolute())).hexdigest()[:8]
    folder = beside / "measurements" / f"{run.parent.name}-{run.name}-{digest}"
    if not folder.exists():
        copy_files(own, folder)
    return Place(folder)


def is_writable(run: Path) -> bool:
    """Whether measurements can be kept in a run's folder.

    Raises:
        DataFileError: its folder ``analysis`` is a link to elsewhere.
    """
    return can_be_written(own_folder(run / "analysis"))


def copy_files(source: Path, target: Path) -> None:
    """Copy the regular files of a folder, whole or not at all; links and giants are left aside.

    Args:
        source: the folder; of one that is not there nothing is copied.
        target: that does not exist yet.
    """
    unfinished = make_folder(target.with_name(f".{target.name}.{os.getpid()}.tmp"))
    for path in source.rglob("*"):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size <= ARRAY_BYTES:
            copy = unfinished / path.relative_to(source)
            make_folder(copy.parent)
            shutil.copyfile(path, copy)  # not its mode, which may forbid writing
    try:
        unfinished.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
        if not target.exists():
            raise
