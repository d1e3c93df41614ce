"""Tables for papers."""

import re

import pandas as pd
import pytest
from pages import build_tables

from disentgen.report.formatting import format_number
from disentgen.report.latex import escape, format_cells, format_comparison, format_mean
from run_tables import make_runs


@pytest.fixture(scope="module")
def tables():
    return build_tables(make_runs({"recomb2range": 150.0}, control=60.0))


def rows_of(text):
    """Headings, and rows as texts by heading."""
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    head, *rows = [[part.strip() for part in line[:-2].split("&")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_cells_have_means_intervals_and_seeds(tables):
    text = format_cells(tables.cells)
    rows = rows_of(text)
    assert len(rows) == len(tables.cells)
    for row, cell in zip(rows, tables.cells.to_dict("records"), strict=True):
        mean, low, high = (
            format_number(cell[f"nll_held_out{end}"]) for end in ("", "_low", "_high")
        )
        assert row["NLL held-out"] == f"{mean} ({low} to {high})"
        assert row["n"] == "3"
        assert row["model"].endswith("(control)") == cell["control"]
        assert row["gap to control"] == "--" or not cell["control"]
    assert r"$\beta$-VAE 8" in text
    assert "β" not in text


def test_captions_say_source_seeds_and_interval(tables):
    both = [tables.cells, tables.cells.assign(source="original")]
    text = format_cells(pd.concat(both))
    captions = re.findall(r"\\caption\{(.*)\}\n", text)
    assert [caption.partition(":")[0] for caption in captions] == [
        "dSprites (rendered stand-in)", "dSprites"
    ]  # fmt: skip
    for caption in captions:
        assert r"means over n seeds; intervals are 95 \% of Student's t over seeds" in caption
    assert re.findall(r"\\label\{(.*)\}", text) == [
        "tab:cells-dsprites-stand-in", "tab:cells-dsprites-original"
    ]  # fmt: skip
    for line in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(line) == 2


def test_comparison_stands_beside_published_scores(tables):
    text = format_comparison(tables.results)
    rows, cells = rows_of(text), tables.results[0].cells.query("seeds > 0")
    assert len(rows) == len(cells) == 7
    for row, cell in zip(rows, cells.to_dict("records"), strict=True):
        assert row["NLL held-out, published"] == format_number(cell["published_nll_held_out"])
        assert row["NLL train"].startswith(format_number(cell["nll_train"]))
    assert tables.results[0].study.citation in text
    assert "rendered stand-in" in text


def test_nothing_published_leaves_a_file_without_tables():
    other = build_tables(make_runs({"recomb2range": 150.0}).assign(variant="another"))
    assert "tabular" not in format_comparison(other.results)


def test_few_seeds_have_no_interval():
    assert format_mean({"a": 1.5, "a_low": None, "a_high": None}, "a") == "1.5"
    assert format_mean({"a": -150.0, "a_low": -200.0, "a_high": -100.0}, "a") == (
        "-150.0 (-200.0 to -100.0)"
    )
    assert format_mean({}, "a") == "–"


def test_texts_are_escaped():
    assert escape("posX > 0.5 & shape_1 ~ {2} 5 % #1 $ ^ \\ β–") == (
        r"posX $>$ 0.5 \& shape\_1 \textasciitilde{} \{2\} 5 \% \#1 \$ \textasciicircum{} "
        r"\textbackslash{} $\beta$--"
    )


def test_own_splits_are_escaped_in_the_table():
    runs = make_runs({"recomb2range": 150.0}).assign(condition="own", variant="a_b & c < 1")
    text = format_cells(build_tables(runs).cells)
    assert r"Own split & a\_b \& c $<$ 1 &" in text
