"""The public face: names of the package, runs by name, versions, citations."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from unicodedata import normalize

import pytest

import disentgen
from configs.cnnvae import ARCHITECTURES
from conftest import REPOSITORY, read_config
from disentgen import citations, versions
from disentgen.__main__ import main
from disentgen.analysis.metrics import load_metrics
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.dataset.splits import split_families
from disentgen.errors import DataFileError, UsageError
from disentgen.run_directory import RunDirectory
from disentgen.training.losses import losses

SOURCES = REPOSITORY / "src" / "disentgen"
EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture
def sims(tmp_path, monkeypatch):
    """The folder of runs of an empty data folder, with runs of two experiments."""
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("disent/1", "disent/2", "decoders/1"):
        make_run(tmp_path / "sims" / name)
    return tmp_path / "sims"


def make_run(folder):
    folder.mkdir(parents=True)
    config = read_config(
        "lgm",
        experiment=folder.parent.name,
        dataset={"name": "dsprites", "variant": "shape2tx", "source": "stand-in"},
        model=ARCHITECTURES["fast"],
        training={"loss": {"name": "factor"}},
    )
    RunDirectory(folder).save_config(config)
    return folder


def test_importing_the_package_loads_nothing_heavy():
    program = (
        "import sys; before = set(sys.modules); import disentgen; disentgen.__version__; "
        "print(*sorted(name for name in set(sys.modules) - before if 'disentgen' not in name))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(SOURCES.parent)},
    )  # fmt: skip
    heavy = {"torch", "numpy", "pandas", "ignite", "matplotlib", "pydantic"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize("name", disentgen.__all__)
def test_every_public_name_is_there_and_is_that_of_its_module(name):
    value = getattr(disentgen, name)
    assert name in dir(disentgen)
    if name != "__version__":
        assert value is getattr(sys.modules[disentgen._MODULES[name]], name)


def test_what_editors_see_is_what_python_loads():
    tree = ast.parse((SOURCES / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == disentgen._MODULES
    assert set(disentgen.__all__) == {*disentgen._MODULES, "__version__"}


def test_a_name_that_is_not_public():
    with pytest.raises(AttributeError, match="'disentgen' has no attribute 'open_rum'"):
        disentgen.open_rum  # noqa: B018


@pytest.mark.parametrize("name", ["disent/2", "2", 2, Path("disent/2"), "sims/disent/2"])
def test_runs_open_by_name_number_and_path(sims, name):
    assert disentgen.open_run(name).path == sims / "disent" / "2"


def test_a_path_from_here_goes_before_a_name(sims, tmp_path):
    make_run(tmp_path / "disent" / "2")
    assert disentgen.open_run("disent/2").path == tmp_path / "disent" / "2"


def test_a_number_of_several_experiments_is_an_error_that_lists_them(sims):
    with pytest.raises(UsageError, match=r"several runs 1; give one of 'decoders/1', 'disent/1'"):
        disentgen.open_run(1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("disnet/2", r"no run 'disnet/2' here or in .*sims\. Did you mean 'disent/2'\?$"),
        (77, r"no run '77' here or in .*sims\. 'python -m disentgen' lists all runs\.$"),
        ("*", "no run"),
        ("/nowhere/1", "^/nowhere/1 is not a run directory: it has no config.json.$"),
    ],
)
def test_runs_that_are_not_there(sims, name, message):
    with pytest.raises(DataFileError, match=message):
        disentgen.open_run(name)


def test_reprs_are_a_short_line(sims):
    run = disentgen.open_run("disent/2")
    shown = [run, run.settings, run.dataset, run.split, run.split.grid, run.settings.spec,
             run.dataset.images, disentgen.View(run.dataset, "supervised", "held_out")]  # fmt: skip
    for value in shown:
        assert "\n" not in repr(value)
        assert len(repr(value)) < 220
    assert repr(run) == f"Run('{sims}/disent/2')"
    assert repr(run.settings) == "Config(dsprites shape2tx, lgm fast, factor, seed=1)"
    assert repr(run.settings.spec) == "DatasetSpec('dsprites')"
    assert repr(find_spec("mpi3d", "toy")) == "DatasetSpec('mpi3d', version='toy')"
    assert repr(shown[-1]) == "View(dSprites (rendered stand-in), supervised, 122,880 held_out)"
    assert repr(run.split.grid) == (
        "FactorGrid(shape: 3, scale: 6, orientation: 40, posX: 32, posY: 32; 737,280 combinations)"
    )


def test_the_version_is_that_of_the_sources_everywhere():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "disentgen.__version__"}
    first = re.search(r"^## \[(.+?)\]", (REPOSITORY / "CHANGELOG.md").read_text(), re.M)
    assert first[1] == disentgen.__version__
    cited = re.search(r"^version: (.+)$", (REPOSITORY / "CITATION.cff").read_text(), re.M)
    assert cited[1] == disentgen.__version__


def test_the_projects_version_needs_no_metadata(monkeypatch):
    def refuse(name):
        assert name == "numpy"
        return "9.9"

    monkeypatch.setattr(versions, "version", refuse)
    assert versions.list_versions(["numpy"]) == {
        "disent-and-gen": disentgen.__version__, "numpy": "9.9",
    }  # fmt: skip


def list_records():
    """Names and sources of all that is cited for a run."""
    specs = [spec for versions_of in load_specs().values() for spec in versions_of]
    yield from ((f"dataset {spec.title}", spec.source) for spec in specs if spec.source)
    for spec in specs:
        yield from ((name, row.source) for name, row in spec.variants.items() if row.source)
    for name, kind in losses().items():
        if name != "nll":  # the likelihood alone is nobody's
            yield f"objective {name}", inspect.getdoc(kind).split("\n\n")[0].replace("\n", " ")
    yield from ((f"metric {name}", metric.source) for name, metric in load_metrics().items())
    for name, family in split_families().items():
        if family.source:
            yield f"split {name}", family.source
    for spec in specs:
        yield from ((name, row.source) for name, row in spec.thinnings.items() if row.source)
    yield from citations.SCORES.values()
    yield from citations.EXPERIMENTS.items()


@pytest.mark.parametrize(("what", "source"), list(list_records()))
def test_every_source_has_its_entries(what, source):
    entries = citations.find_citations(source)
    assert entries
    assert None not in entries.values()


@pytest.mark.parametrize("key", citations.load_references())
def test_every_entry_is_used_and_whole(key):
    reference = citations.load_references()[key]
    plain = normalize("NFKD", reference.surnames[0]).encode("ascii", "ignore").decode()
    assert key.startswith(plain.lower() + reference.year)
    used = [path for path in SOURCES.rglob("*.py") if reference.citation in path.read_text()]
    assert used, reference.citation
    assert reference.bibtex.count("{") == reference.bibtex.count("}")
    assert re.search(r"^  (booktitle|journal|howpublished|eprint) ", reference.bibtex, re.M)


def test_every_entry_is_read():
    text = (SOURCES / "references.bib").read_text()
    assert text.count("\n@") == len(citations.load_references())
    assert len({entry.citation for entry in citations.load_references().values()}) == text.count(
        "\n@"
    )


def test_citations_follow_from_authors_and_year():
    entries = citations.find_citations(
        "Burgess & Kim 2018; Burgess et al. 2018, equation 8; estimator of Nobody et al. 1999"
    )
    assert {name: entry and entry.key for name, entry in entries.items()} == {
        "Burgess & Kim 2018": "burgess2018shapes",
        "Burgess et al. 2018": "burgess2018understanding",
        "Nobody et al. 1999": None,
    }


def test_cite_prints_the_papers_behind_a_run(sims, capsys):
    scores = {"train": {"nll": 1.0, "active_units": 3, "iw_nll": 2.0}}
    results = json.loads((EARLIER / "disent" / "1" / "results.json").read_text())
    results["scores"] = {**scores, "validation": None, "held_out": None}
    (sims / "disent" / "2" / "results.json").write_text(json.dumps(results))
    kept = sims / "disent" / "2" / "analysis" / "metrics.json"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"stamp": {}, "measured": {"mig": {}, "probe_linear": {}}}))
    main(["cite", "2"])
    printed = capsys.readouterr().out
    assert re.findall(r"^% (.*)\n@\w+\{(\w+),", printed, re.M) == [
        ("dataset dSprites", "matthey2017"),
        ("held-out shape2tx", "montero2021"),
        ("objective factor", "kim2018"),
        ("active units, importance-weighted NLL", "burda2016"),
        ("metric MIG", "chen2018"),
    ]
    assert "title     = {Disentangling by Factorising}" in printed


def test_cite_names_the_papers_of_a_family_of_splits_and_of_a_thinning(sims, capsys):
    change_config(sims, "disent/1", {"variant": None, "split": "correlated", "thin": "halve_pos",
                                     "split_params": {"pairs": [["shape", "scale"]]}})  # fmt: skip
    main(["cite", "disent/1"])
    printed = capsys.readouterr().out
    assert "% split correlated\n@inproceedings{trauble2021," in printed
    assert "% split correlated\n@inproceedings{roth2023," in printed
    assert "% thinning halve_pos\n@misc{montero2024," in printed


def change_config(sims, name, dataset):
    path = sims / name / "config.json"
    config = json.loads(path.read_text())
    config["dataset"] |= dataset
    path.write_text(json.dumps(config))


def test_cite_names_each_paper_once_and_what_a_plugin_cites(sims, capsys, monkeypatch):
    make_run(sims / "supervised" / "5")
    monkeypatch.setitem(citations.EXPERIMENTS, "supervised", "Doe & Roe 2031")
    main(["cite", "disent/1", "disent/2", "5"])
    printed = capsys.readouterr().out
    assert printed.count("@misc{matthey2017,") == 1
    assert "% experiment supervised\n% Doe & Roe 2031 has no entry here" in printed


def test_cite_of_a_run_that_is_not_there(sims):
    with pytest.raises(SystemExit, match="error: there is no run 'disent/9'"):
        main(["cite", "disent/9"])
