"""What ``analysis.compare`` prints, word by word."""

import re
import shutil

import pandas as pd
import pytest
from pages import CLAIM

from analysis.compare import main as compare_main
from analysis.report import main as report_main
from conftest import REPOSITORY
from disentgen.report.compare import (
    compare_cells,
    compare_with_study,
    format_comparison,
    format_result,
    format_strays,
    format_verdict,
    format_verdicts,
    save_comparison,
)
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.verdicts.published import load_published
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


def verdict(**changes):
    return pd.Series(CLAIM | changes)


def test_a_verdict_says_what_decides_it():
    assert format_verdict(verdict(control="confirmed", note="a note", missing="")) == [
        " 7a  perfect factors are not enough (dsprites, stand-in images)",
        "       supported: 2.50 (2.00 to 3.00 at 0.95, n 3, ground-truth decoder); held-out over "
        "train NLL, bound 1.1; published 2.9 to 54",
        "       confirmed",
        "       note: a note",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"published": ""}, "2.50 (2.00 to 3.00 at 0.95, n 3, ground-truth decoder); held-out over "
         "train NLL, bound 1.1"),
        ({"low": None, "seeds": 1, "published": ""}, "2.50 (no interval, one seed, ground-truth "
         "decoder); held-out over train NLL, bound 1.1"),
        ({"low": None, "seeds": 2, "published": ""}, "2.50 (no interval, n 2, ground-truth "
         "decoder); held-out over train NLL, bound 1.1"),
        ({"estimate": None}, "held-out over train NLL, bound 1.1; published 2.9 to 54"),
        ({"estimate": None, "published": "", "bound": 0.1}, "held-out over train NLL, bound 0.1"),
    ],
)  # fmt: skip
def test_what_a_verdict_lacks_is_left_out(changes, line):
    assert format_verdict(verdict(**changes))[1] == f"       supported: {line}"


def test_notes_are_for_verdicts_and_faults_for_all():
    lines = format_verdict(verdict(verdict="undecided", note="a note", missing="no run: VAE"))
    assert lines[2:] == ["       missing: no run: VAE"]


def test_claims_that_lack_all_runs_are_named_in_a_line():
    idle = {"missing": "no run: VAE; no run: β-VAE", "estimate": None, "verdict": "undecided"}
    verdicts = pd.DataFrame([
        CLAIM,
        CLAIM | idle | {"number": "1"},
        CLAIM | idle | {"number": "2"},
        CLAIM | idle | {"number": "2", "dataset": "shapes3d"},
        CLAIM | idle | {"number": "7a", "dataset": "shapes3d"},
        CLAIM | idle | {"number": "3", "missing": "no run: VAE; β-VAE: two seeds"},
        CLAIM | idle | {"number": "4", "estimate": 1.5},
    ])  # fmt: skip
    lines = format_verdicts(verdicts).splitlines()
    assert [line[:3].strip() for line in lines if line[3:5] == "  " and line[:3].strip()] == [
        "7a", "3", "4"
    ]  # fmt: skip
    assert lines[-1] == "no runs to decide: 1, 2"
    assert "no runs to decide" not in format_verdicts(pd.DataFrame([CLAIM]))


def test_cells_stand_beside_published_values():
    runs = make_runs({"recomb2range": 150.0})
    result = compare_with_study(runs, STUDY)
    head, *lines = format_comparison(result.cells).splitlines()
    assert head.split() == [
        "cell", "images", "seeds", "steps", "train", "NLL", "held-out", "NLL", "D", "inform."
    ]  # fmt: skip
    assert len(lines) == 7
    published = load_published(STUDY).set_index(["dataset", "variant", "model", "parameters"])
    for line in lines:
        assert len(line) == len(head)
        (row,) = [
            row for _, row in result.cells[result.cells["seeds"] > 0].iterrows()
            if line.startswith(f"dsprites shape2tx {row['model']} {row['parameters']} ")
        ]  # fmt: skip
        theirs = published.loc[("dsprites", "shape2tx", row["model"], row["parameters"])]
        assert line.split()[-10:] == [
            "stand-in", "3", "10",
            f"{row['nll_train']:.1f}", f"({theirs['nll_train']:.1f})",
            f"{row['nll_held_out']:.1f}", f"({theirs['nll_held_out']:.1f})",
            f"{row['disentanglement']:.2f}", f"({theirs['disentanglement']:.2f})", "0.50",
        ]  # fmt: skip


def test_strays_are_listed_with_what_differs():
    strays = pd.DataFrame([
        {"runs": "disent/1, disent/2", "dataset": "dsprites", "variant": "shape2tx",
         "label": "β-VAE 8", "control": control, "seeds": 2, "nll_train": 60.04,
         "nll_held_out": 90.25, "protocol": "epochs 1 (30)"}
        for control in (False, True)
    ])  # fmt: skip
    assert format_strays(strays).splitlines() == [
        "protocol differs from the study's; these runs decide no claim:",
        "       disent/1, disent/2: dsprites shape2tx β-VAE 8, NLL 60.0 train, 90.2 held-out "
        "(2 seeds)",
        "           epochs 1 (30)",
        "       disent/1, disent/2: dsprites shape2tx β-VAE 8, control, NLL 60.0 train, 90.2 "
        "held-out (2 seeds)",
        "           epochs 1 (30)",
    ]
    assert format_strays(strays.iloc[:0]) == ""


def test_a_result_is_its_cells_claims_and_strays():
    runs = make_runs({"recomb2range": 150.0})
    strays = runs[runs["seed"] == 1].assign(protocol="epochs 1 (30)", cell="other")
    result = compare_with_study(pd.concat([runs, strays], ignore_index=True), STUDY)
    assert format_result(result) == "\n".join([
        f"{STUDY.citation}; in parentheses: as published",
        f"{format_comparison(result.cells)}\n",
        format_verdicts(result.verdicts),
        format_strays(result.strays),
    ])  # fmt: skip
    assert len(result.strays)


def test_ours_stands_over_the_published_value():
    runs = make_runs({"recomb2range": 150.0}, control=70.0)
    cells = compare_with_study(runs, STUDY).cells
    assert set(cells["study"]) == {STUDY.name}
    assert cells.columns[0] == "study"
    published = load_published(STUDY)
    assert len(cells) == len(published)
    ours = cells[cells["seeds"] > 0]
    assert len(ours) == 7
    assert (ours["seeds"] == 3).all()
    for name in ("nll_train", "nll_held_out", "disentanglement"):
        known = (ours[name] / ours[f"published_{name}"]).tolist()
        assert ours[f"{name}_over_published"].tolist() == pytest.approx(known)
    # Controls are no cells of the study.
    assert ours["nll_held_out"].min() > 140
    assert (ours["gap_to_control_seeds"] == 3).all()
    missing = cells[cells["seeds"] == 0]
    assert missing["steps"].isna().all()
    assert missing["nll_train"].isna().all()


def test_no_runs_leave_the_published_cells():
    empty = make_runs({"recomb2range": 150.0}).iloc[:0]
    assert (compare_cells(empty, STUDY)["seeds"] == 0).all()
    result = compare_with_study(empty, STUDY)
    assert len(result.cells) == len(load_published(STUDY))


def test_files_hold_the_studies_one_below_the_other(tmp_path):
    one = compare_with_study(make_runs({"recomb2range": 150.0}), STUDY)
    other = compare_with_study(make_runs({"extrp": 300.0}), STUDY)
    save_comparison([one, other], tmp_path / "new" / "folder")
    cells = pd.read_csv(tmp_path / "new" / "folder" / "comparison.csv")
    assert len(cells) == len(one.cells) + len(other.cells)
    expected = pd.concat([one.cells, other.cells])["nll_train"]
    assert cells["nll_train"].tolist() == pytest.approx(expected.tolist(), rel=1e-5, nan_ok=True)
    assert list(cells) == list(one.cells)
    # Six digits are enough.
    numbers = (tmp_path / "new" / "folder" / "comparison.csv").read_text()
    assert not re.search(r"[1-9]\.\d{6}", numbers)
    claims = pd.read_csv(tmp_path / "new" / "folder" / "claims.csv", dtype={"number": str})
    assert list(claims) == list(one.verdicts)
    assert claims["number"].tolist() == [*one.verdicts["number"], *other.verdicts["number"]]


@pytest.mark.parametrize("main", [compare_main, report_main])
def test_a_folder_without_runs_ends_the_command_in_a_line(main, tmp_path):
    with pytest.raises(
        SystemExit, match=rf"^error: no runs below {tmp_path}; bin/quickstart.sh makes"
    ):
        main(["--root", str(tmp_path), "--output", str(tmp_path / "report")])


@pytest.mark.parametrize(
    ("main", "name"), [(compare_main, "analysis.compare"), (report_main, "analysis.report")]
)
def test_help_says_how_the_command_is_called(main, name, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: python -m {name} [-h] [--root ROOT] [--where KEY=VALUE]")
    for option in ("--experiment", "--jobs", "--images", "--output"):
        assert f"{option} " in shown
    assert "Runs beside published studies" in shown or "Tables, figures and pages" in shown


def test_tables_are_written_where_they_are_wanted(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    run = tmp_path / "sims" / "disent" / "1"
    shutil.copytree(EARLIER / "disent" / "1", run)
    shutil.copytree(run, run.parent / "2", ignore=shutil.ignore_patterns("model.pt"))
    compare_main(["--images", "20", "--jobs", "1"])
    folder = tmp_path / "results" / "compare"
    printed, errors = capsys.readouterr()
    assert errors.endswith(f"left out: {run.parent / '2'}: without model.pt\n")
    assert printed.endswith(f"\n\n{folder / 'comparison.csv'}, {folder / 'claims.csv'}\n")
    assert f"{STUDY.citation}; in parentheses: as published\n" in printed
    assert {path.name for path in folder.iterdir()} == {"comparison.csv", "claims.csv"}
    compare_main(["--images", "20", "--jobs", "1", "--output", str(tmp_path / "here")])
    assert (tmp_path / "here" / "claims.csv").exists()
