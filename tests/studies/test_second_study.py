"""Another study is one folder: its runs are compared, judged, planned and reported apart."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import disentgen.studies
from conftest import REPOSITORY
from disentgen.analysis.cells import read_settings
from disentgen.analysis.tables import steps_of, tabulate_runs
from disentgen.registry import find_exports
from disentgen.report.compare import (
    compare_studies,
    compare_with_study,
    format_result,
    join_departures,
    save_comparison,
)
from disentgen.runs import open_run
from disentgen.studies import load_studies
from disentgen.studies.protocols import format_packed, pack
from disentgen.studies.rows import Row
from disentgen.studies.verdicts.published import describe_published, load_published
from experiments.sweep import main
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
RECORD = '''
"""A study of one β-VAE."""

from pathlib import Path

from disentgen.studies.claims import Claim
from disentgen.studies.rows import Entry, Row
from disentgen.studies.study import Study

ROW = Row("disent", "dsprites", "shape2tx", "β-VAE 4")
FOLDER = Path(__file__).parent
STUDY = Study(
    name="tiny2030",
    title="Tiny 2030",
    citation="Tiny, One Cell, 2030",
    bibtex="@misc{tiny2030}",
    entries={
        ROW: Entry(("dataset.dsprites", "model.kim", "dataset.variant=shape2tx"), "all invented")
    },
    protocols=FOLDER / "protocols.json",
    published=(FOLDER / "published.csv",),
    claims=(
        Claim("A", "β = 4 fails", "dsprites", "ratio", (ROW,), "nll", 2.0, True, "ratio", "asked"),
    ),
)
'''
PUBLISHED = """dataset,condition,variant,model,parameters,split,metric,value
dsprites,recomb2range,shape2tx,β-VAE,beta=4,train,nll,100
dsprites,recomb2range,shape2tx,β-VAE,beta=4,test,nll,250
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The second study, in a folder of its own; its row is an earlier run's."""
    folder = tmp_path / "tiny2030"
    folder.mkdir()
    (folder / "__init__.py").write_text(RECORD, encoding="utf-8")
    (folder / "published.csv").write_text(PUBLISHED, encoding="utf-8")
    run = open_run(EARLIER / "disent" / "beta-4")
    protocol = read_settings(run) | {"steps": steps_of(run)}
    row = Row("disent", "dsprites", "shape2tx", "β-VAE 4")
    (folder / "protocols.json").write_text(format_packed(pack({row: protocol})))
    monkeypatch.setattr(disentgen.studies, "__path__", [*disentgen.studies.__path__, str(tmp_path)])
    find_exports.cache_clear()
    yield load_studies()["tiny2030"]
    monkeypatch.undo()
    find_exports.cache_clear()
    del sys.modules["disentgen.studies.tiny2030"]


def test_its_folder_is_all_that_it_takes(tiny, tmp_path):
    runs = [open_run(EARLIER / "disent" / name) for name in ("beta-4", "vae-control", "beta-10")]
    table = tabulate_runs(runs)
    results = compare_studies(table, runs)
    names = [result.study.name for result in results]
    # Runs are compared with studies of their experiment alone.
    fitting = [key for key, study in load_studies().items() if "disent" in study.experiments]
    assert names == fitting and {"montero2021", "tiny2030"} <= set(names)
    joined = join_departures(table, results).set_index("run")
    assert joined["tiny2030_row"].to_list() == ["β-VAE 4", "", ""]
    assert joined["tiny2030_protocol"].to_list() == ["", *["the study has no such cell"] * 2]
    assert joined["montero2021_row"].to_list() == ["", "VAE", ""]
    save_comparison(results, tmp_path / "out")
    comparison = pd.read_csv(tmp_path / "out" / "comparison.csv").groupby("study")
    assert comparison.size().to_dict() == {"montero2021": 42, "tiny2030": 1}
    (cell,) = comparison.get_group("tiny2030").to_dict("records")
    assert cell["nll_held_out_over_published"] == pytest.approx(cell["nll_held_out"] / 250, 1e-5)
    assert np.isnan(cell["published_disentanglement"])
    claims = pd.read_csv(tmp_path / "out" / "claims.csv").groupby("study")
    assert claims.size().to_dict() == {name: len(load_studies()[name].claims) for name in fitting}
    (claim,) = claims.get_group("tiny2030").to_dict("records")
    assert (claim["verdict"], claim["published"]) == ("undecided", "2.50")
    assert claim["note"] == "all invented: β-VAE 4 (shape2tx)"
    first, second = (
        format_result(results[names.index(name)]) for name in ("montero2021", "tiny2030")
    )
    assert "Montero" in first and "Tiny" not in first
    assert "Tiny" in second and "Montero" not in second


def test_its_claims_are_decided_by_its_own_runs(tiny):
    # β = 4 stands in no row of the other study, β = 8 in none of this one's.
    runs = make_runs({"recomb2range": 150.0})
    own = runs[runs["label"] == "β-VAE 8"].assign(row="β-VAE 4")
    result = compare_with_study(pd.concat([own, runs.assign(protocol="of another")]), tiny)
    assert set(result.verdicts["study"]) == {"tiny2030"}
    assert list(result.verdicts["verdict"]) == ["supported"]
    assert set(result.strays["protocol"]) == {"of another"}


def test_its_runs_are_planned_by_its_name(tiny, capsys):
    main(["disent", "--study", "tiny2030", "--dry-run", "--seeds", "2"])
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == "disent: Tiny 2030: row (1) × seed (2): 2 cells"
    assert len(lines) == 2 and last.startswith("2 cells to make: ")
    assert all(line.endswith("  # all invented") for line in lines)
    assert "dataset.variant=shape2tx seed=2" in lines[1]
    with pytest.raises(SystemExit, match=r"--study must name one of montero2021, tiny2030\."):
        main(["disent", "--dry-run"])


def test_a_study_may_have_no_tables_and_no_claims(tiny, tmp_path):
    bare = replace(tiny, published=(), claims=())
    result = compare_with_study(make_runs({"recomb2range": 150.0}), bare)
    assert not len(result.cells) and not len(result.verdicts)
    assert "Tiny" in format_result(result)
    assert describe_published(tiny.claims[0], bare) == ""
    save_comparison([result], tmp_path / "out")
    assert "study,dataset" in (tmp_path / "out" / "comparison.csv").read_text()
    assert "study,source,number" in (tmp_path / "out" / "claims.csv").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("beta=4,train", "beta=5,train", "tiny2030: dsprites shape2tx β-VAE 5 is none of its rows"),
        (
            "train,nll",
            "train,nil",
            "unknown published score 'train nil'; .*Did you mean 'train nll'",
        ),
    ],
)
def test_published_numbers_of_no_row_are_refused(tiny, tmp_path, old, new, message):
    file = tmp_path / "other.csv"
    file.write_text(PUBLISHED.replace(old, new), encoding="utf-8")
    with pytest.raises((OSError, ValueError), match=message):
        load_published(replace(tiny, published=(file,)))


def test_nothing_outside_a_study_knows_it():
    files = [path for place in ("src", "scripts") for path in (REPOSITORY / place).rglob("*.py")]
    for name in ("montero2021", "camposampiero2025"):
        folder = REPOSITORY / "src" / "disentgen" / "studies" / name
        own = [path for path in files if folder in path.parents]
        assert len(own) == 3
        assert not [path for path in files if path not in own and name in path.read_text()]
