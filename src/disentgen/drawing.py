"""How pictures are drawn and saved, whatever they show: one style, sizes, rows of images, files."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.style
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from disentgen.paths import write_whole
from disentgen.registry import choose
from disentgen.text import make_visible

#: Widths of a paper's column and of its page, in inches.
COLUMN, PAGE = 3.25, 6.75
#: Sizes of text, in points.
SMALL, MEDIUM, LARGE = 6, 7, 8
#: Pixels between images in a row, and from one image to the next below it.
GAP = 3
#: Characters of a text; more of them are cut off, since nobody would see them.
LONGEST = 500
#: What a format is saved with: without the date, so that the same picture is the same file.
METADATA: dict[str, dict[str, Any] | None] = {
    "png": None,
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


@contextmanager
def default_style() -> Iterator[None]:
    """Draw and save under matplotlib's own defaults, whatever the user's matplotlibrc says.

    Fonts are embedded in PDF files as TrueType, as conferences ask for.
    """
    with matplotlib.style.context(["default", {"svg.hashsalt": "disentgen", "pdf.fonttype": 42}]):
        yield


def literal(text: object) -> str:
    """A text that matplotlib draws as it is: a ``$`` in a name begins no formula."""
    return make_visible(str(text)[:LONGEST], keep="\n").replace("$", r"\$")


def wrap(text: object, width: int, lines: int = 3) -> str:
    """A text in lines of at most ``width`` characters, cut after ``lines`` of them, literally.

    Args:
        text: to be drawn.
        width: of a line.
        lines: at most so many; a longer text ends in an ellipsis.
    """
    wrapped = textwrap.wrap(str(text), width, max_lines=lines, placeholder=" …")
    return literal("\n".join(wrapped))


def make_figure(width: float, height: float) -> Figure:
    """An empty figure that makes room for all text, in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def add_heading(figure: Figure, text: str) -> None:
    """A title over all panels, in lines that are no longer than the figure is wide."""
    figure.suptitle(wrap(text, int(15 * figure.get_figwidth())), fontsize=LARGE)


def arrange_images(images: Tensor, columns: int) -> NDArray[np.float32]:
    """Images in rows, with grey between them, as one picture.

    Args:
        images: (images, channels, height, width) in 0..1.
        columns: images in a row.

    Returns:
        (height, width, 3) in 0..1.
    """
    # Imported here since torchvision takes seconds to start, and most runs draw once, at the end.
    from torchvision.utils import make_grid

    picture: NDArray[np.float32] = (
        make_grid(images, nrow=columns, padding=GAP, pad_value=0.6).permute(1, 2, 0).numpy()
    )
    return picture


def draw_rows(axis: Axes, rows: Sequence[Tensor], labels: Sequence[str]) -> None:
    """Draw rows of images, with a label beside each row.

    Args:
        axis: to draw on.
        rows: of the same number of images, each (images, channels, height, width) in 0..1.
        labels: of the rows.
    """
    axis.imshow(arrange_images(torch.cat(list(rows)), len(rows[0])), interpolation="nearest")
    height = rows[0].shape[-2] + GAP
    axis.set_xticks([])
    axis.set_yticks(
        [height * (number + 0.5) for number in range(len(rows))],
        [literal(label) for label in labels], fontsize=8,
    )  # fmt: skip
    axis.tick_params(length=0)
    axis.set_frame_on(False)


def choose_ticks(names: Sequence[str], limit: int = 4) -> tuple[NDArray[np.int64], list[str]]:
    """Classes of a factor to be named on an axis: evenly spaced, the first and the last among them.

    Args:
        names: of all classes.
        limit: at most so many are chosen.

    Returns:
        The classes, (n,), and their names.
    """
    places = space_evenly(len(names), limit)
    return places, [literal(names[place]) for place in places]


def space_evenly(size: int, limit: int) -> NDArray[np.int64]:
    """At most ``limit`` of the numbers below ``size``, first and last among them, (numbers,)."""
    return np.linspace(0, size - 1, min(size, limit)).round().astype(np.int64)


class Hotspot(NamedTuple):
    """A mark of a figure that leads somewhere.

    Args:
        left: from the figure's left side, as a part of its width.
        top: from its upper side, as a part of its height.
        address: where it leads.
    """

    left: float
    top: float
    address: str


def list_hotspots(figure: Figure) -> tuple[Hotspot, ...]:
    """The marks of a figure that have an address, each once.

    Args:
        figure: that has been saved, so that everything has its place.
    """
    hotspots = []
    for artist in figure.findobj():
        addresses: Sequence[str | None]
        if isinstance(artist, Line2D):
            places = artist.get_transform().transform(artist.get_xydata())
            addresses = [artist.get_url()] * len(places)
        elif isinstance(artist, PathCollection):
            offsets = np.ma.filled(artist.get_offsets(), np.nan)
            places = artist.get_offset_transform().transform(offsets)
            addresses = artist.get_urls()
        else:
            continue
        for (x, y), address in zip(places / figure.bbox.size, addresses, strict=False):
            if address is not None and np.isfinite([x, y]).all():
                hotspots.append(Hotspot(float(x), float(1 - y), address))
    return tuple(dict.fromkeys(hotspots))


@default_style()
def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure in the format of the path's suffix, whole or not at all.

    Returns:
        The path.
    """
    kind = path.suffix.removeprefix(".")
    metadata = choose(f"format of a picture, for {path}:", kind, METADATA)
    write_whole(path, lambda file: figure.savefig(file, format=kind, dpi=150, metadata=metadata))
    return path
