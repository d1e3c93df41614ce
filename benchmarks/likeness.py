"""How near the stand-in of MPI3D comes to published frames, and the fit that its numbers are from.

    python benchmarks/likeness.py FRAMES                        # the mean error of each frame
    python benchmarks/likeness.py FRAMES --fit                  # fits a look; each frame left out
    python benchmarks/likeness.py FRAMES --fit --animations F   # and to further frames (`FURTHER`)

FRAMES holds pictures of one version and an ``index.csv``: ``file``, and the class of each factor; a
shape that is "?" is the one whose picture is nearest. No frame is part of the suite: they are of
the sample animations of rr-learning/disentanglement_dataset (CC BY 4.0).

Errors are means over pixels and channels, of 255. A fit's table has a frame's error before the fit,
after it, and after a fit of all numbers to all frames but this one (the derivatives of the pictures
are kept from the fit to all). What a frame alone shows, such as a colour that is in no other, stays
as it was fitted with the frame; such frames are marked *. The numbers of ``real`` are of a fit with
``--animations`` and ``--keep shadow`` (its frames show none of the object), those of ``realistic``
of one with ``--animations``.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.specs.mpi3d import GRID
from disentgen.dataset.stand_ins.robot import draw_look
from disentgen.dataset.stand_ins.robot_looks import Look
from disentgen.dataset.stand_ins.robot_versions import LOOKS
from disentgen.dataset.stand_ins.sampling import Array
from look_fit import FIXED, Fit, Fitting, Numbers

#: Frames of the animations that are arrays: tile, frame, and their classes.
FURTHER = {
    "real": [
        (0, 1, (1, 0, 1, 1, 0, 12, 39)),
        (0, 4, (0, 0, 1, 1, 0, 12, 39)),
        (0, 6, (5, 0, 1, 1, 0, 12, 39)),
        (0, 8, (4, 0, 1, 1, 0, 12, 39)),
        (3, 3, (2, 0, 1, 2, 0, 12, 39)),
        (3, 13, (2, 0, 1, 0, 0, 12, 39)),
    ],
    "realistic": [
        (0, 1, (3, 1, 1, 0, 0, 39, 27)),
        (0, 2, (4, 1, 1, 0, 0, 39, 27)),
        (0, 12, (1, 1, 1, 0, 0, 39, 27)),
        (3, 2, (2, 1, 1, 1, 0, 39, 27)),
        (3, 12, (2, 1, 1, 1, 0, 39, 27)),
        (3, 4, (2, 1, 1, 2, 0, 39, 27)),
        (3, 6, (2, 1, 1, 2, 0, 39, 27)),
        (3, 8, (2, 1, 1, 2, 0, 39, 27)),
        (3, 10, (2, 1, 1, 2, 0, 39, 27)),
        (4, 2, (2, 1, 1, 0, 1, 39, 27)),
        (4, 6, (2, 1, 1, 0, 2, 39, 27)),
    ],
    "toy": [],
}


class Frames(NamedTuple):
    """Genuine frames.

    Args:
        names: (n,) of each.
        pictures: (n, 64, 64, 3) in 0..255.
        classes: (n, 7).
    """

    names: list[str]
    pictures: Array
    classes: NDArray[np.int64]


def measure(look: Look, frames: Frames) -> NDArray[np.float64]:
    """(n,): how far a look's pictures, with their noise, are from frames."""
    drawn = draw_look(look, GRID.indices(frames.classes)).astype(np.float64)
    errors: NDArray[np.float64] = np.abs(drawn - frames.pictures).mean(axis=(1, 2, 3))
    return errors


def read_frames(folder: Path, look: Look) -> Frames:
    """The frames of a folder.

    Args:
        folder: of pictures and their index.
        look: chooses the shape of frames whose index does not say it.
    """
    rows = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
    pictures = [255 * matplotlib.image.imread(folder / row["file"])[..., :3] for row in rows]
    classes = []
    for row, picture in zip(rows, pictures, strict=True):
        known = [-1 if row[name] == "?" else int(row[name]) for name in GRID.names]
        choices = [[known[0], s, *known[2:]] for s in range(6) if known[1] in (-1, s)]
        alike = Frames([], np.array([picture] * len(choices)), np.array(choices))
        classes.append(choices[measure(look, alike).argmin()])
    return Frames([Path(row["file"]).stem for row in rows], np.array(pictures), np.array(classes))


def read_further(folder: Path, version: str) -> Frames:
    """The frames of `FURTHER`, from a folder with ``mpi3d_VERSION.npz``."""
    tiles = np.load(folder / f"mpi3d_{version}.npz")["frames"].astype(np.float32)
    names = [f"tile {tile} frame {frame}" for tile, frame, _ in FURTHER[version]]
    pictures = np.array([tiles[tile, frame] for tile, frame, _ in FURTHER[version]])
    return Frames(names, pictures, np.array([classes for *_, classes in FURTHER[version]]))


def find_alone(classes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,): whether a frame alone shows its colour, its camera height or its ring."""
    seen = [(classes[:, [column]] == classes[:, column]).sum(axis=1) for column in (0, 3, 4)]
    alone: NDArray[np.bool_] = np.min(seen, axis=0) == 1
    return alone


def fit(frames: Frames, look: Look, keep: Sequence[str]) -> Look:
    """Fit a look to frames; print each one's error before, after, and left out.

    Args:
        frames: to fit to.
        look: where the fit starts.
        keep: names of further fields of the look that stay as they are.
    """
    numbers = Numbers(look, (*FIXED, *keep))
    fitting = Fitting(numbers, frames.pictures, frames.classes)
    fitted: Fit = fitting.run()
    after = fitting.numbers.write(fitted.vector)
    errors = [measure(look, frames), measure(after, frames)]
    print(f"{len(fitted.vector)} numbers\n{'frame':<20} before  fitted  left out")
    left_out = np.empty(len(frames.names))
    for place, (name, alone) in enumerate(
        zip(frames.names, find_alone(frames.classes), strict=True)
    ):
        without = fitting.leave_out(fitted, place)
        one = Frames([name], frames.pictures[[place]], frames.classes[[place]])
        left_out[place] = measure(without, one)[0]
        row = " ".join(f"{error[place]:7.2f}" for error in (*errors, left_out))
        print(f"{name:<20}{row}{' *' if alone else ''}", flush=True)
    print(f"{'mean':<20}" + " ".join(f"{error.mean():7.2f}" for error in (*errors, left_out)))
    return after


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("frames", type=Path, help="folder of pictures with an index.csv")
    parser.add_argument("--version", choices=LOOKS, default="real", help="of MPI3D")
    parser.add_argument("--animations", type=Path, help="folder of arrays of further frames")
    parser.add_argument("--fit", action="store_true", help="fit all numbers of the version's look")
    parser.add_argument("--keep", nargs="*", default=[], help="fields that the fit leaves alone")
    arguments = parser.parse_args()
    look = LOOKS[arguments.version]
    frames = read_frames(arguments.frames, look)
    if arguments.animations:
        further = read_further(arguments.animations, arguments.version)
        pictures = np.concatenate([frames.pictures, further.pictures])
        classes = np.concatenate([frames.classes, further.classes])
        frames = Frames(frames.names + further.names, pictures, classes)
    if arguments.fit:
        after = fit(frames, look, arguments.keep)
        for field in fields(Look):
            print(f"{field.name}={np.round(getattr(after, field.name), 4).tolist()}")
        return
    errors = measure(look, frames)
    for name, error in zip(frames.names, errors, strict=True):
        print(f"{name:<20}{error:7.2f}")
    print(f"{'mean':<20}{errors.mean():7.2f}")


if __name__ == "__main__":
    main()
