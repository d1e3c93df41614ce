"""Marks of figures lead to the pages of their runs, and to the rows of their cells."""

import re
from collections import Counter

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from pages import Reader, build_tables, link_runs, render_index
from PIL import Image

from disentgen.analysis.figures.figure import load_figures
from disentgen.analysis.figures.subjects import RunGroup
from disentgen.report.links import FROM_INDEX, INSIDE, add_addresses, list_titles
from disentgen.report.page import place_figure
from run_tables import make_runs


@pytest.fixture(scope="module")
def tables():
    """A model of three seeds, one of two; their controls, but that of one run."""
    runs = make_runs({"recomb2range": 150.0}, control=70.0)
    runs = runs[runs["label"].isin(["VAE", "FactorVAE 20"])]
    runs = runs[(runs["label"] == "VAE") | (runs["seed"] < 3)]
    alone = (runs["label"] == "FactorVAE 20") & (runs["seed"] == 2)
    runs = runs.assign(gap_to_control=runs["gap_to_control"].mask(alone))
    return build_tables(runs[~alone | ~runs["control"]])


def draw(tables, name, folder, form=FROM_INDEX, page="index.html"):
    """A figure of the report, its hotspots' titles, and its pixels."""
    runs, cells = add_addresses(tables.runs, tables.cells, link_runs(tables, form), page)
    (figure,) = [figure for figure in load_figures("study") if figure.name == name]
    picture = figure.save(RunGroup(runs, cells), folder / name)
    with Image.open(picture.path) as image:
        pixels = np.asarray(image.convert("RGB")) / 255
    return picture, list_titles(runs, cells), pixels


def read_colour(pixels, spot):
    height, width, _ = pixels.shape
    return pixels[int(spot.top * height), int(spot.left * width)]


def test_marks_of_scores_lie_where_they_are_drawn(tables, tmp_path):
    picture, titles, pixels = draw(tables, "scores", tmp_path)
    runs = tables.runs.set_index("run")
    colours = Counter()
    for spot in picture.hotspots:
        first = titles[spot.address].split(", ")[0]
        allowed = ["tab:blue"] if runs["control"][first] else ["0.5", "tab:red"]
        (colour,) = [
            name for name in allowed
            if np.allclose(read_colour(pixels, spot), to_rgb(name), atol=0.02)
        ]  # fmt: skip
        colours[runs["label"][first], colour] += 1
    # A mean of three seeds; two runs, one of them with a control.
    assert colours == {
        ("VAE", "0.5"): 1, ("VAE", "tab:red"): 1, ("VAE", "tab:blue"): 1,
        ("FactorVAE 20", "0.5"): 2, ("FactorVAE 20", "tab:red"): 2, ("FactorVAE 20", "tab:blue"): 1,
    }  # fmt: skip


def test_runs_lead_to_their_pages_and_means_to_the_rows_of_their_cells(tables, tmp_path):
    picture, titles, pixels = draw(tables, "generalisation", tmp_path)
    own = tables.runs[~tables.runs["control"]]
    counts = Counter(spot.address for spot in picture.hotspots)
    for name, gap in zip(own["run"], own["gap_to_control"], strict=True):
        address = f"runs/{name.replace('/', '-')}.html"
        # NLL and excess of both sides, and the gap, once where strong marks lie on faint ones.
        assert counts.pop(address) == (4 if np.isnan(gap) else 5)
        assert titles[address] == name
    ((address, count),) = counts.items()
    (row,) = tables.cells.index[(tables.cells["label"] == "VAE") & ~tables.cells["control"]]
    assert (address, count) == (f"index.html#cell-{row}", 5)
    assert titles[address] == ", ".join(own[own["label"] == "VAE"]["run"])
    for spot in picture.hotspots:
        assert read_colour(pixels, spot).min() < 0.9, spot


def test_marks_of_the_svg_lead_there_too(tables, tmp_path):
    for name in ("scores", "generalisation"):
        picture, *_ = draw(tables, name, tmp_path)
        text = picture.path.with_suffix(".svg").read_text()
        addresses = set(re.findall(r'<a xlink:href="(.*?)"', text))
        assert addresses == {spot.address for spot in picture.hotspots}


def test_figures_of_notebooks_lead_nowhere(tables, tmp_path):
    (figure,) = [figure for figure in load_figures("study") if figure.name == "scores"]
    assert figure.save(RunGroup(tables.runs, tables.cells), tmp_path / "a").hotspots == ()


@pytest.mark.parametrize(
    ("form", "file", "start"),
    [(FROM_INDEX, "index.html", "runs/"), (INSIDE, "report.html", "#run-")],
)
def test_pages_lay_links_over_the_marks(tables, tmp_path, form, file, start):
    picture, titles, _ = draw(tables, "generalisation", tmp_path, form, file)
    shown = place_figure(picture, titles, file, single_file=form == INSIDE)
    page = render_index(tables, figures=[shown])
    links = re.findall(r'<a href="(.*?)" title="(.*?)" style="left:(.*?)%;top:(.*?)%">', page)
    assert len(links) == len(picture.hotspots)
    rows = set(re.findall(r'<tr id="(.*?)"', page))
    assert len(rows) == len(tables.cells)
    for (address, title, left, top), spot in zip(links, picture.hotspots, strict=True):
        assert address == spot.address.removeprefix(file)
        assert address.startswith((start, "#cell-"))
        assert not address.startswith("#cell-") or address[1:] in rows
        assert title == titles[spot.address]
        assert (float(left), float(top)) == pytest.approx(
            (100 * spot.left, 100 * spot.top), abs=0.01
        )


def test_the_row_of_a_cell_names_its_runs(tables):
    _, cells = add_addresses(tables.runs, tables.cells, link_runs(tables), "index.html")
    page = render_index(tables)
    for address, label in zip(cells["page"], cells["label"], strict=True):
        _, row = page.split(f'<tr id="{address.partition("#")[2]}">')
        assert label in row.partition("</tr>")[0]
    assert Reader(page).rows("cells")
