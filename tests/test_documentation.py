"""What the documentation tells people to do is done here, to the letter."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest

from configs.training import CONSISTENT, GENERATION, INFERENCE, LOSSES, PAIRED
from conftest import REPOSITORY
from disentgen.analysis.metrics import load_metrics
from disentgen.dataset.spec import load_specs
from disentgen.dataset.split_list import list_splits
from disentgen.dataset.splits import split_families
from disentgen.dataset.variants import STUDY
from disentgen.reference import write_reference
from disentgen.report.glossary import GLOSSARY
from disentgen.run_files import families_by_experiment
from disentgen.runs import open_run
from disentgen.training.losses import losses
from own_files import make_arrays, make_classes, write_file
from processes import call_module

EXTENDING = REPOSITORY / "docs" / "extending.md"
#: Beside what the page says, so that nothing takes long.
FEW = ("training.epochs=1", "training.epoch_length=2", "training.validation_images=32",
       "training.score_images=64", "training.find_duplicates=False", "threads=1")  # fmt: skip
PLUGINS = ("--plugin", "../my_package", "--plugin", "my_spec.py")
COMMAND = re.compile(r"^ {4}((?:python|bin/|cd scripts).*)$", re.M)


def read_commands(page):
    """Command lines of the indented blocks of a page, without comments."""
    lines = COMMAND.findall(page.read_text(encoding="utf-8"))
    commands = (line.split("  #")[0].removeprefix("cd scripts && ").strip() for line in lines)
    return [command for command in commands if command != "cd scripts"]


@pytest.fixture
def extended(tmp_path, environment):
    """A copy of the repository with the files of ``docs/extending.md``, and a way to run it."""
    for folder in ("src", "scripts"):
        shutil.copytree(
            REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    text = EXTENDING.read_text(encoding="utf-8")
    for name, code in re.findall(r"^`(\S+\.\w+)`:\n\n```\w+\n(.*?)^```", text, re.M | re.S):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    environment["PYTHONPATH"] = f"{tmp_path / 'src'}{os.pathsep}{tmp_path / 'scripts'}"

    def run(*words, folder="scripts"):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path / folder, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return tmp_path, run


@pytest.mark.ci
def test_one_more_of_each_is_one_file_and_found_in_the_report(extended, data):
    folder, run = extended
    tests = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/dataset", folder=".")
    assert "2 passed" in tests
    run("-m", "ruff", "check", "--config", str(REPOSITORY / "pyproject.toml"), str(folder / "src"))
    printed = {}
    for command in read_commands(EXTENDING):
        _, *words = shlex.split(command)
        printed[command] = run(*words, *(FEW if "with" in words else ()))
    assert "Discs (rendered stand-in): 384 images of 64 × 64 × 1" in "".join(printed.values())
    assert (data / "results" / "factors-discs.png").exists()
    assert any("held out where class(radius) % 2 != class(col" in text for text in printed.values())
    assert any("completed at" in text for text in printed.values())
    assert any("dataset.variant=bright model.fast" in text for text in printed.values())
    run("-m", "analysis.report", "--images", "60", "--jobs", "1", *PLUGINS)
    check_report(data / "results" / "report")


def check_report(report):
    """Everything that was added stands in the report."""
    runs = pd.read_csv(report / "runs.csv")
    assert set(runs["dataset"]) == {"discs", "rings", "stripes"}
    assert set(runs["variant"]) == {"large_right", "bright", "far"}
    assert {"SparseVAE 2", "plain autoencoder", "VAE", "FlatVAE 1"} <= set(runs["label"])
    assert "small" in set(runs["architecture"])
    assert set(runs["experiment"]) == {"disent", "plain"}
    assert runs["brightness"].between(0, 1).all()
    assert {"correlation", "reach"} <= set(pd.read_csv(report / "metrics.csv")["metric"])
    claims = pd.read_csv(report / "claims.csv").groupby("study").size()
    assert claims["discs2030"] == 1
    assert "Discs 2030" in (report / "index.html").read_text(encoding="utf-8")
    (page,) = (report / "runs").glob("plain-1.html")
    assert "Validation NLL of 1 epochs." in page.read_text(encoding="utf-8")
    assert "The loss of every epoch." in page.read_text(encoding="utf-8")


PAGES = [
    page
    for page in (*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md")))
    if page != EXTENDING
]
#: What needs a network, or minutes, or writes beside the sources.
LEFT_OUT = (
    "disentgen.dataset download", "disentgen.dataset export", "disentgen export", "analysis.bounds",
    "analysis.measure",
)  # fmt: skip


def list_commands():
    """Every command line of a page, once.

    Each report takes half a minute; ``tests/scripts/test_analysis.py`` makes those with options.
    """
    commands = dict.fromkeys(command for page in PAGES for command in read_commands(page))
    report = "python -m analysis.report"
    return [
        pytest.param(
            command, marks=pytest.mark.slow if command.startswith(f"{report} ") else pytest.mark.ci
        )
        for command in commands
    ]


def list_python():
    """Python blocks that are no files."""
    return [
        pytest.param(code, id=f"{page.name}-{number}")
        for page in PAGES
        for number, (before, code) in enumerate(
            re.findall(r"([^\n]*)\n\n```python\n(.*?)^```", page.read_text(), re.M | re.S)
        )
        if not before.rstrip().endswith(".py`:")
    ]


@pytest.fixture(scope="module")
def data_of_readers(trained, tmp_path_factory):
    """A data folder as somebody has it who follows the pages."""
    folder = tmp_path_factory.mktemp("reader") / "data"
    shutil.copytree(trained, folder)
    (folder / "raw").mkdir(exist_ok=True)
    write_file(folder / "raw" / "discs.npz", make_arrays(make_classes(100, (10, 5, 4))))
    return folder


def expand(command):
    """The words of a command line, as a shell has them, braces and all."""
    printing = ["bash", "-c", f"printf '%s\\0' {command}"]
    done = subprocess.run(printing, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("command", list_commands())
def test_commands_of_the_pages_work(command, data_of_readers):
    program, *words = expand(command)
    environment = {**os.environ, "DISENTGEN_DATA": str(data_of_readers)}
    if program.startswith("bin/"):
        assert os.access(REPOSITORY / program, os.X_OK)
        if program.startswith("bin/run-"):
            script = (REPOSITORY / program).read_text(encoding="utf-8")
            (given,) = re.findall(r'/sweep\.sh" (.+) "\$@"', script)
            call_module(environment, "experiments.sweep", *given.split(), "--dry-run", *words)
        return
    _, module, *words = words
    if module == "experiments.sweep":
        looking = [] if "--dry-run" in words else ["--dry-run"]
        call_module(environment, module, words[0], *looking, *words[1:])
    elif module.startswith("experiments."):
        if "with" in words and not any("." in word and "show" in word for word in words[:1]):
            words = ["print_config", *words[words.index("with") :]]
        call_module(environment, module, *words)
    elif not " ".join([module, *words]).startswith(LEFT_OUT):
        few = ("--images", "200", "--jobs", "1") if module.startswith("analysis.") else ()
        call_module(environment, module, *words, *few)


def read_table(page, heading):
    """First cells of the rows of a page's table, by the heading of its first column."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    (rows,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.M)
    return [row.split(" | ")[0].strip("| ") for row in rows.splitlines()]


@cache
def holds_additions():
    """Whether somebody has put files of their own into the tree; so has a copy, for all we know.

    What they add needs no row in the project's pages.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "src", "scripts"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return listed.returncode != 0 or bool(listed.stdout.strip())


def assert_documented(rows, things):
    """Every row is there in the code, and everything of the project has a row."""
    assert set(rows) <= set(things)
    assert holds_additions() or set(rows) == set(things)


def test_the_page_of_settings_is_written_from_the_code():
    page = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert_documented(page.splitlines(), write_reference().splitlines())
    assert holds_additions() or page == write_reference()


def test_the_glossary_is_that_of_the_report():
    text = (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8")
    for term, meaning in GLOSSARY.items():
        assert f"{term} | {meaning} |" in text


def test_every_objective_has_a_row_and_every_row_an_objective():
    rows = " ".join(read_table("experiments.md", "named config"))
    configs = LOSSES | PAIRED | CONSISTENT | GENERATION | INFERENCE
    named = re.findall(r"`training\.(\w+)`", rows)
    assert_documented(named, configs)
    assert_documented({configs[name]["loss"]["name"] for name in named}, losses())


def test_every_dataset_and_variant_has_a_row():
    rows = read_table("datasets.md", "named config")
    assert_documented([row.strip("`").removeprefix("dataset.") for row in rows], load_specs())
    text = (REPOSITORY / "docs" / "splits.md").read_text(encoding="utf-8")
    listed = (REPOSITORY / "docs" / "split-list.md").read_text(encoding="utf-8")
    for spec, *_ in load_specs().values():
        row = re.search(rf"^\| {spec.title.split()[0]} .*$", text, re.M)
        assert row or holds_additions()
        if row:
            of_study = {name for name, row in spec.variants.items() if row.source == STUDY}
            assert of_study <= set(re.findall(r"`([^`]+)`", row[0])) <= set(spec.variants)
        rows = re.findall(rf"^\| {spec.name} \| `([^`=]+)`", listed, re.M)
        assert_documented(rows, spec.variants)


def test_every_family_of_splits_and_every_thinning_has_a_row():
    assert_documented(
        [row.strip("`") for row in read_table("splits.md", "`dataset.split`")], split_families()
    )
    text = (REPOSITORY / "docs" / "splits.md").read_text(encoding="utf-8")
    for spec, *_ in load_specs().values():
        assert holds_additions() or all(f"`{name}`" in text for name in spec.thinnings)


@pytest.mark.ci
def test_the_list_of_splits_is_that_of_the_code():
    page = (REPOSITORY / "docs" / "split-list.md").read_text(encoding="utf-8")
    assert holds_additions() or page == list_splits() + "\n"


def test_every_metric_has_a_row():
    page = " ".join(
        re.findall(r"^\|.*\|$", (REPOSITORY / "docs" / "metrics.md").read_text("utf-8"), re.M)
    )
    functions = {metric.function.__name__ for metric in load_metrics().values()}
    assert_documented(set(re.findall(r"\bmeasure_\w+", page)), functions)


def test_every_experiment_has_a_row():
    rows = [row.strip("`") for row in read_table("experiments.md", "experiment")]
    assert_documented(rows, families_by_experiment())


@pytest.mark.ci
@pytest.mark.parametrize("code", list_python())
def test_python_of_the_pages_runs(code, data_of_readers, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(data_of_readers))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, (50, 2))
    names = {"codes": classes + rng.normal(0, 0.1, (50, 2)), "classes": classes,
             "run": open_run(data_of_readers / "sims" / "disent" / "1")}  # fmt: skip
    exec(compile(code, "page", "exec"), names)
