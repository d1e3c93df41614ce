"""What a drawing shows, read back from its artists."""

from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.text import Text

from disentgen.drawing import GAP


class Line(NamedTuple):
    """A curve, or marks.

    Args:
        points: [x, y] of each.
        colour: as a hexadecimal text.
        marker: as matplotlib calls it; ``None`` for none.
        full: whether marks are filled.
        label: in a legend.
    """

    points: list[list[float]]
    colour: str
    marker: str
    full: bool
    label: str


#: Width of a line that nothing is said of, in points; helpers such as whiskers are thinner.
PLAIN_WIDTH = 1.5


def fill_lines(width):
    """Two lines that a text of them is broken into at this width, and at no other."""
    return ["b" * (width - 1), "b " + "a" * (width - 4) + " a"]


def read_lines(axis):
    """All lines of an axis, in the order in which they were drawn."""
    return [
        Line(np.column_stack(line.get_data(orig=False)).tolist(), to_hex(line.get_color()),
             line.get_marker(), line.get_fillstyle() == "full", line.get_label())
        for line in axis.lines
    ]  # fmt: skip


def read_ticks(axis):
    """Where the named ticks of both directions are, with their names."""
    return [
        list(zip(one.get_ticklocs().tolist(), [text.get_text() for text in one.get_ticklabels()],
                 strict=True))
        for one in (axis.xaxis, axis.yaxis)
    ]  # fmt: skip


def read_legend(legend):
    """Colour, marker and line style of each name, in order."""
    names = [text.get_text() for text in legend.get_texts()]
    handles = legend.legend_handles
    return {
        name: (to_hex(handle.get_color()), handle.get_marker(), handle.get_linestyle())
        for name, handle in zip(names, handles, strict=True)
    }


def read_images(axis, rows, columns, height, width):
    """The images that were drawn in rows, (rows, columns, height, width)."""
    picture = np.asarray(axis.images[0].get_array())[..., 0]
    return np.array([
        [picture[GAP + row * (height + GAP) :, GAP + column * (width + GAP) :][:height, :width]
         for column in range(columns)]
        for row in range(rows)
    ])  # fmt: skip


def read_areas(axis, latents, factors):
    """(latents, factors) areas of the squares of a Hinton diagram, whose side is at most 1."""
    areas = np.zeros((latents, factors))
    for square in axis.patches:
        centre = (square.get_x() + square.get_width() / 2, square.get_y() + square.get_height() / 2)
        latent, factor = (round(place) for place in centre)
        assert centre == (latent, factor) or np.allclose(centre, (latent, factor))
        areas[latent, factor] += square.get_width() * square.get_height()
    return areas


def list_texts(figure):
    """All texts that a figure shows, where they are once its layout has been computed."""
    figure.draw_without_rendering()
    hidden = [text for axis in figure.axes for text in _list_hidden(axis)]
    return [text for text in figure.findobj(Text)
            if text.get_text().strip() and text.get_visible() and text not in hidden]  # fmt: skip


def _list_hidden(axis):
    """Texts of an axis that are not drawn: all around one that is off, ticks beyond the limits."""
    if not axis.axison:
        return [text for text in axis.findobj(Text) if text not in axis.texts]
    return [
        label
        for one in (axis.xaxis, axis.yaxis)
        for tick in (*one.get_major_ticks(), *one.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not min(one.get_view_interval()) <= tick.get_loc() <= max(one.get_view_interval())
    ]
