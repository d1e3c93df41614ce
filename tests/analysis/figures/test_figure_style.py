"""How figures are drawn and saved, whatever the user's matplotlibrc says and names hold."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure as MplFigure
from PIL import Image, ImageSequence

from artists import read_ticks
from disentgen.analysis.figures.figure import Figure, load_figures, save_drawing, show_figure
from disentgen.analysis.figures.subjects import RunGroup
from disentgen.analysis.tables import tabulate_cells
from disentgen.drawing import (
    add_heading,
    choose_ticks,
    draw_rows,
    literal,
    make_figure,
    save_figure,
    space_evenly,
    wrap,
)
from disentgen.errors import UsageError
from run_tables import make_runs

#: What a user may have in a matplotlibrc.
ODD = {
    "text.usetex": True, "font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red",
    "savefig.bbox": "tight", "savefig.dpi": 10, "figure.facecolor": "blue",
    "svg.hashsalt": None, "image.cmap": "hot", "axes.prop_cycle": matplotlib.cycler(color="k"),
}  # fmt: skip


def draw(data):
    figure = make_figure(2, 1.5)
    axis = figure.subplots()
    axis.plot(data, label=literal("a_model of $5, or $6"))
    axis.imshow(np.arange(4).reshape(2, 2))
    axis.set_title(literal("10 $ and_more $ ^2"))
    axis.legend()
    return figure


FIGURE = Figure(
    name="plain", title="", caption=lambda data: f"n: {len(data)}.", of="study",
    applies=lambda group: True, data=lambda group: [1.0, 3.0, 2.0], draw=draw,
    formats=("png", "pdf", "svg"),
)  # fmt: skip
RUNS = make_runs({"recomb2range": 150.0})
GROUP = RunGroup(RUNS, tabulate_cells(RUNS))


def save_all(folder):
    folder.mkdir()
    picture = FIGURE.save(GROUP, folder / "plain-1.5")
    assert picture.path == folder / "plain-1.5.png"
    assert picture.caption == f"n: 3. {GROUP.describe()}"
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def test_files_are_the_same_whatever_the_users_settings_and_the_time(tmp_path, monkeypatch):
    before = save_all(tmp_path / "before")
    assert set(before) == {".png", ".pdf", ".svg"}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    with matplotlib.rc_context(ODD):
        after = save_all(tmp_path / "after")
        assert matplotlib.rcParams["font.size"] == 30  # the user's settings stay the user's
    assert before == after
    assert b"date" not in before[".svg"].lower()
    assert b"CreationDate" not in before[".pdf"]


def test_names_are_drawn_literally(tmp_path):
    figure = make_figure(2, 1)
    text = figure.text(0, 0, literal("$x_1$ and a_b \\$"))
    assert text._preprocess_math(text.get_text()) == ("$x_1$ and a_b \\$", False)
    save_figure(figure, tmp_path / "x.png")
    assert wrap("of $5 and of $6", 9) == "of \\$5 and\nof \\$6"
    assert wrap("a " * 40, 9, 2).count("\n") == 1
    assert wrap("a " * 40, 9, 2).endswith("…")
    assert wrap("abc def " * 5, 7) == "abc def\nabc def\nabc …"
    assert wrap("abc def", 7) == "abc def" and wrap("abc def", 6) == "abc\ndef"
    assert wrap(12, 5) == "12" and literal(12) == "12"


@pytest.mark.parametrize(("inches", "length"), [(2, 29), (6.75, 101)])
def test_headings_stand_in_lines_that_are_no_longer_than_the_figure_is_wide(inches, length):
    figure = make_figure(inches, 1)
    add_heading(figure, "$1 " * 50)
    lines = figure.get_suptitle().replace("\\", "").split("\n")
    assert max(map(len, lines)) == length
    assert figure.get_layout_engine() is not None  # makes room for them


def test_rows_of_images_are_drawn_pixel_by_pixel_with_grey_between_them():
    first, second = torch.rand(2, 3, 1, 2, 4)
    axis = make_figure(2, 2).subplots()
    draw_rows(axis, [first, second], ["one", "costs $2"])
    expected = np.full((2 * 5 + 3, 3 * 7 + 3), 0.6)
    for row, images in enumerate((first, second)):
        for column, image in enumerate(images):
            top, left = 3 + 5 * row, 3 + 7 * column
            expected[top : top + 2, left : left + 4] = image[0]
    (picture,) = axis.images
    np.testing.assert_allclose(picture.get_array(), np.stack([expected] * 3, -1), rtol=1e-6)
    assert picture.get_interpolation() == "nearest"
    assert read_ticks(axis) == [[], [(2.5, "one"), (7.5, r"costs \$2")]]
    assert {text.get_fontsize() for text in axis.get_yticklabels()} == {8}
    assert not axis.get_frame_on()
    assert {tick.tick1line.get_markersize() for tick in axis.yaxis.get_major_ticks()} == {0}


def test_colours_of_images_stay():
    axis = make_figure(2, 2).subplots()
    pixels = torch.rand(2, 3, 2, 2)
    draw_rows(axis, [pixels], [""])
    shown = axis.images[0].get_array()[3:5, 3:5]
    np.testing.assert_allclose(shown, pixels[0].permute(1, 2, 0), rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "limit", "expected"),
    [(10, 4, [0, 3, 6, 9]), (3, 4, [0, 1, 2]), (1, 4, [0]), (5, 2, [0, 4]), (5, 5, [0, 1, 2, 3, 4]),
     (6, 4, [0, 2, 3, 5])],
)  # fmt: skip
def test_numbers_are_spaced_evenly_from_the_first_to_the_last(size, limit, expected):
    assert space_evenly(size, limit).tolist() == expected


def test_files_have_150_pixels_an_inch_and_fonts_that_are_embedded(tmp_path):
    path = save_figure(draw([1.0, 2.0]), tmp_path / "x.png")
    with Image.open(path) as picture:
        assert picture.size == (300, 225)
    assert path == tmp_path / "x.png"
    save_figure(draw([1.0, 2.0]), tmp_path / "x.pdf")
    text = (tmp_path / "x.pdf").read_bytes()
    assert b"/Subtype /Type3" not in text and b"/FontFile2" in text


def test_captions_hold_counts_source_and_seeds():
    picture = FIGURE.describe([1, 2])
    assert picture == "n: 2."
    assert FIGURE.file == "plain.png"
    assert replace(FIGURE, caption="As it is.").describe([1, 2]) == "As it is."
    text = GROUP.describe()
    assert text == "dSprites, rendered stand-in images; runs: 21, seeds by cell: 3."


def test_animations_are_written_whole(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), 60 * number, np.uint8)) for number in range(3)]
    path = save_drawing(frames, tmp_path / "x.gif")
    with Image.open(path) as opened:
        assert (opened.n_frames, opened.info["duration"], opened.info["loop"]) == (3, 80, 0)
        for number, frame in enumerate(ImageSequence.Iterator(opened)):
            assert frame.convert("L").getpixel((0, 0)) == 60 * number
    assert path == tmp_path / "x.gif"
    assert [path.name for path in tmp_path.iterdir()] == ["x.gif"]


def test_figures_that_do_not_apply_are_refused_in_a_line():
    with pytest.raises(UsageError, match="unknown figure 'score'.*Did you mean 'scores'"):
        show_figure("score", GROUP)
    controls = RunGroup(RUNS.assign(control=True), GROUP.cells)
    with pytest.raises(UsageError, match="figure 'scores' does not apply: dSprites"):
        show_figure("scores", controls)
    assert isinstance(show_figure("scores", GROUP), MplFigure)


def test_shown_figures_are_drawn_in_the_style_of_saved_ones():
    with matplotlib.rc_context(ODD):
        (axis,) = FIGURE.show(GROUP).axes
    assert axis.get_title() == literal("10 $ and_more $ ^2")
    assert axis.title.get_fontsize() == 12 and axis.lines[0].get_linewidth() == 1.5


def test_every_figure_has_its_own_files_and_says_what_it_is():
    for kind in ("run", "study", "split"):
        figures = load_figures(kind)
        assert figures
        files = [f"{figure.name}.{suffix}" for figure in figures for suffix in figure.formats]
        assert len(files) == len(set(files))
        assert all(figure.title and figure.caption for figure in figures)
        assert [figure.order for figure in figures] == sorted(figure.order for figure in figures)
        if kind != "run":
            assert all(figure.formats == ("png", "pdf", "svg") for figure in figures)


def test_ticks_are_evenly_spaced_classes_with_their_names():
    names = [f"v{number}" for number in range(10)]
    places, chosen = choose_ticks(names)
    assert places.tolist() == [0, 3, 6, 9]
    assert chosen == ["v0", "v3", "v6", "v9"]
    assert choose_ticks(["one"])[1] == ["one"]
    assert choose_ticks(["a", "b"])[0].tolist() == [0, 1]
