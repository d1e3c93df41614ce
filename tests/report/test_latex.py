"""Tables for papers."""

import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest
from pages import build_tables

from disentgen.report.formatting import format_number
from disentgen.report.latex import escape, format_cells, format_comparison, format_mean
from run_tables import make_runs


@pytest.fixture(scope="module")
def tables():
    return build_tables(make_runs({"recomb2range": 150.0}, control=60.0))


def read(part):
    """A text as it is read: what is stacked side by side, an interval in parentheses."""
    part = re.sub(r"\\shortstack\[r\]\{(.*)\\\\\\scriptsize (.*)\}", r"\1 (\2)", part)
    return re.sub(r"\\shortstack\{(.*)\}", lambda stack: stack[1].replace(r"\\", " "), part).strip()


def rows_of(text):
    """Rows of all tables as texts by heading, with the split that they are of."""
    rows, head, split = [], [], ""
    for line in text.splitlines():
        if line == r"\toprule":
            head = []
        elif line.startswith(r"\multicolumn"):
            split = re.search(r"\\emph\{(.*)\}\}", line)[1]
        elif line.endswith(r" \\[2pt]"):
            parts = [read(part) for part in line.removesuffix(r" \\[2pt]").split(" & ")]
            if head:
                rows.append(dict(zip(head, parts, strict=True)) | {"split": split})
            head = head or parts
    return rows


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
        assert row["split"] == r"Recombination to range: shape2tx"
        assert row["model"].endswith("(control)") == cell["control"]
        assert row["gap to control"] == "--" or not cell["control"]
    assert r"$\beta$-VAE 8" in text
    assert "β" not in text


def test_splits_stand_below_each_other():
    runs = make_runs({"recomb2range": 150.0, "extrp": 300.0})
    rows = rows_of(format_cells(build_tables(runs).cells))
    assert [row["split"] for row in rows] == [
        *["Recombination to range: shape2tx"] * 7, *[r"Extrapolation: blank\_side"] * 7
    ]  # fmt: skip


def test_columns_that_say_nothing_are_left_out(tables):
    (row, *_) = rows_of(format_cells(tables.cells))
    assert "gap to control" in row
    assert "layers" not in row
    # Texts at the left, numbers at the right.
    assert r"\begin{tabular}{lrrrrrrr}" in format_cells(tables.cells)
    (row, *_) = rows_of(format_cells(build_tables(make_runs({"recomb2range": 150.0})).cells))
    assert "gap to control" not in row
    several = tables.cells.copy()
    several.loc[0, "architecture"] = "higgins"
    first, second, *_ = rows_of(format_cells(several))
    assert (first["layers"], second["layers"]) == ("higgins", "kim")
    assert r"\begin{tabular}{llrrrrrrr}" in format_cells(several)


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


def test_data_stand_in_the_order_of_their_first_cells(tables):
    later = build_tables(make_runs({"recomb2range": 150.0}, dataset="shapes3d"))
    text = format_cells(pd.concat([later.cells, tables.cells]))
    assert re.findall(r"\\label\{(.*)\}", text) == [
        "tab:cells-shapes3d-stand-in", "tab:cells-dsprites-stand-in"
    ]  # fmt: skip
    text = format_comparison([*later.results, *tables.results])
    assert re.findall(r"\\label\{(.*)\}", text) == [
        f"tab:comparison-montero2021-{dataset}-stand-in" for dataset in ("shapes3d", "dsprites")
    ]  # fmt: skip


def test_splits_of_the_comparison_stand_in_the_order_of_the_published_table():
    (result,) = build_tables(make_runs({"extrp": 300.0, "recomb2range": 150.0})).results
    turned = replace(result, cells=result.cells.iloc[::-1])
    for part in (result, turned):
        variants = part.cells[part.cells["seeds"] > 0]["variant"]
        rows = rows_of(format_comparison([part]))
        assert [row["split"].replace("\\", "") for row in rows] == variants.tolist()


def test_comparison_stands_beside_published_scores(tables):
    text = format_comparison(tables.results)
    rows, cells = rows_of(text), tables.results[0].cells.query("seeds > 0")
    assert len(rows) == len(cells) == 7
    for row, cell in zip(rows, cells.to_dict("records"), strict=True):
        assert row["NLL held-out, published"] == format_number(cell["published_nll_held_out"])
        assert row["NLL train"].startswith(format_number(cell["nll_train"]))
        assert row["split"] == cell["variant"]
    assert tables.results[0].study.citation in text
    assert "rendered stand-in" in text


def test_nothing_published_leaves_a_file_without_tables():
    other = build_tables(make_runs({"recomb2range": 150.0}).assign(variant="another"))
    assert "tabular" not in format_comparison(other.results)


def test_few_seeds_have_no_interval():
    assert format_mean({"a": 1.5, "a_low": None, "a_high": None}, "a") == "1.5"
    assert format_mean({"a": -150.0, "a_low": -200.0, "a_high": -100.0}, "a") == (
        r"\shortstack[r]{-150.0\\\scriptsize -200.0 to -100.0}"
    )
    assert format_mean({}, "a") == "--"


def test_texts_are_escaped():
    assert escape("posX > 0.5 & shape_1 ~ {2} 5 % #1 $ ^ \\ β–") == (
        r"posX $>$ 0.5 \& shape\_1 \textasciitilde{} \{2\} 5 \% \#1 \$ \textasciicircum{} "
        r"\textbackslash{} $\beta$--"
    )


def test_own_splits_are_escaped_in_the_table():
    runs = make_runs({"recomb2range": 150.0}).assign(condition="own", variant="a_b & c < 1")
    text = format_cells(build_tables(runs).cells)
    assert rows_of(text)[0]["split"] == r"Own split: a\_b \& c $<$ 1"


def has_latex():
    """Whether there is a LaTeX that has what the tables need."""
    packages = ["kpsewhich", "booktabs.sty", "adjustbox.sty"]
    return bool(shutil.which("pdflatex")) and subprocess.run(packages, check=False).returncode == 0


@pytest.mark.skipif(not has_latex(), reason="no LaTeX with booktabs and adjustbox")
def test_tables_compile_and_fit_the_page(tables, tmp_path):
    runs = make_runs({"recomb2range": 150.0}).assign(condition="own", variant="a_b & c < 1 | ~d")
    texts = [
        format_cells(tables.cells), format_cells(build_tables(runs).cells),
        format_comparison(tables.results),
    ]  # fmt: skip
    packages, body = r"\usepackage{booktabs,adjustbox}", "\n".join(texts)
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass{{article}}{packages}\begin{{document}}{body}\end{{document}}", "utf-8"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout
