"""How figures are drawn and saved, whatever the user's matplotlibrc says and names hold."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure
from PIL import Image

from disentgen.analysis.figures.figure import Figure, load_figures, save_drawing, show_figure
from disentgen.analysis.figures.subjects import RunGroup
from disentgen.analysis.tables import tabulate_cells
from disentgen.drawing import choose_ticks, literal, make_figure, save_figure, wrap
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


def test_captions_hold_counts_source_and_seeds():
    picture = FIGURE.describe([1, 2])
    assert picture == "n: 2."
    text = GROUP.describe()
    assert text == "dSprites, rendered stand-in images; runs: 21, seeds by cell: 3."


def test_animations_are_written_whole(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), 60 * number, np.uint8)) for number in range(3)]
    path = save_drawing(frames, tmp_path / "x.gif")
    with Image.open(path) as opened:
        assert (opened.n_frames, opened.info["duration"], opened.info["loop"]) == (3, 80, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["x.gif"]


def test_figures_that_do_not_apply_are_refused_in_a_line():
    with pytest.raises(UsageError, match="unknown figure 'score'.*Did you mean 'scores'"):
        show_figure("score", GROUP)
    controls = RunGroup(RUNS.assign(control=True), GROUP.cells)
    with pytest.raises(UsageError, match="figure 'scores' does not apply: dSprites"):
        show_figure("scores", controls)
    assert isinstance(show_figure("scores", GROUP), MplFigure)


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
