"""Folders of anybody are listed, opened and reported; nothing in them runs, hangs or leads out."""

import contextlib
import os
import re
import shutil
import signal
import sys
import time

import pytest

from disentgen import __main__ as command
from disentgen import plugins
from disentgen.errors import DisentgenError
from disentgen.export import export_run, load_exported
from disentgen.files import exists
from disentgen.runs import Run, find_runs, open_run
from processes import call_module, start_module
from strangers import CODE, CRAFTS, make_folder, make_outside, snapshot

#: Public properties of a run, each asked for on its own, and methods without arguments.
ATTRIBUTES = sorted(name for name in dir(Run) if not name.startswith("_")
                    and not callable(getattr(Run, name)))  # fmt: skip
METHODS = ("load_config", "load_model", "load_checkpoint", "is_held")
#: One of each kind for the tests of every day; all of them in CI.
SOME = [name for number, name in enumerate(CRAFTS) if number % 12 == 5]
SECONDS = 20


def test_there_are_many():
    assert len(CRAFTS) >= 150


@contextlib.contextmanager
def time_limit(what):
    def give_up(number, frame):
        raise TimeoutError(what)

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def outside(tmp_path):
    return make_outside(tmp_path / "outside")


@pytest.fixture
def untouched(outside, tmp_path, monkeypatch):
    """Fails if anything outside is changed, or was executed."""
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    before = snapshot(outside)
    yield outside
    assert snapshot(outside) == before
    assert not list(tmp_path.rglob("executed"))


def make_folders(root, source, outside, names):
    """Folders by the names of what is done to them, each in an experiment's folder of its own."""
    folders = {}
    for number, name in enumerate(names):
        folders[name] = make_folder(root / f"{number:03}" / "1", source, outside, name)
    shutil.copytree(source, root / "sound" / "1")
    return folders


def check_list(root, folders, capsys):
    with time_limit("the list"):
        runs = find_runs(root).set_index("path")
        command.main([str(root)])
    printed = capsys.readouterr().out
    assert runs.loc[str(root / "sound" / "1"), "status"] == "COMPLETED"
    there = {name: path for name, path in folders.items() if exists(path / "config.json")}
    assert set(runs.index) == {*map(str, there.values()), str(root / "sound" / "1")}
    damaged = runs["status"] == "DAMAGED"
    assert runs["problem"].notna().tolist() == damaged.tolist()
    assert re.sub("[\n -~–·βγλ…²]", "", printed) == ""
    return runs[damaged]


def list_raw_errors(path):
    """What a run's attributes answer but values and errors that say what is wrong in a line."""
    raw = {}
    for name in (*ATTRIBUTES, *METHODS):
        run, start = open_run(path), time.monotonic()
        try:
            with time_limit(name):
                value = getattr(run, name)
                _ = value() if name in METHODS else value
        except DisentgenError as error:
            if "\n" in str(error) or not str(error).isprintable():
                raw[name] = repr(error)
        except Exception as error:
            raw[name] = repr(error)
        if time.monotonic() - start > SECONDS / 2:
            raw[name] = "slow"
    return raw


def check_opened(folders):
    there = {name: path for name, path in folders.items() if os.path.lexists(path / "config.json")}
    raw = {name: list_raw_errors(path) for name, path in there.items()}
    assert {name: errors for name, errors in raw.items() if errors} == {}


@pytest.fixture
def source(trained):
    return trained / "sims" / "disent" / "1"


def test_some_are_listed_and_opened(source, untouched, tmp_path, capsys):
    folders = make_folders(tmp_path / "sims", source, untouched, SOME)
    damaged = check_list(tmp_path / "sims", folders, capsys)
    assert len(damaged) > len(SOME) / 3
    check_opened(folders)


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """What Python imports and executes meanwhile that a run's folder names."""
    seen, is_watching = [], [True]
    monkeypatch.setenv(plugins.VARIABLE, "")

    def watch(event, given):
        if is_watching and event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"):
            seen.append((event, given))
        if is_watching and event == "import" and "planted" in str(given[0]):
            seen.append((event, given))

    sys.addaudithook(watch)  # which stays there as long as the process
    yield seen
    is_watching.clear()


def test_nothing_is_imported_that_a_folder_names(
    source, untouched, watched, tmp_path, capsys, monkeypatch
):
    folders = make_folders(tmp_path / "sims", source, untouched, CODE)
    monkeypatch.chdir(folders["specification in the run"])
    before = set(sys.modules)
    check_list(tmp_path / "sims", folders, capsys)
    status = {name: open_run(path).status for name, path in folders.items()}
    assert {status[name] for name in ("encoder os:system", "layer os:system", "plugin os")} == {
        "NEEDS os"
    }
    assert status["plugin in the run"] == "NEEDS planted, planted_package"
    assert status["specification in the run"] == status["layer in the run"] == "NEEDS planted"
    for path in folders.values():
        with pytest.raises(DisentgenError):
            _ = open_run(path).settings, open_run(path).model
    assert watched == []
    assert not {name for name in set(sys.modules) - before if "planted" in name}
    assert not plugins.list_plugins()


@pytest.mark.ci
def test_all_are_listed(source, untouched, tmp_path, capsys):
    folders = make_folders(tmp_path / "sims", source, untouched, CRAFTS)
    damaged = check_list(tmp_path / "sims", folders, capsys)
    assert len(damaged) > 150


@pytest.mark.slow
def test_all_are_opened(source, untouched, tmp_path):
    check_opened(make_folders(tmp_path / "sims", source, untouched, CRAFTS))


def check_exported(folders, target):
    """A run is exported, or not for a reason of one line; no card acts where it is shown."""
    cards = {}
    for name, path in folders.items():
        try:
            with time_limit(name):
                folder = export_run(open_run(path), target / f"{len(cards)}")
            cards[name] = (folder / "README.md").read_text(encoding="utf-8")
            load_exported(folder)
        except DisentgenError as error:
            assert "\n" not in str(error) and str(error).isprintable(), name
    assert cards
    shown = {name: "\n".join(card.split("\n    ")) for name, card in cards.items()}
    assert [name for name, card in shown.items() if "<script>" in card or "<img" in card] == []
    assert [name for name, card in cards.items() if not card.replace("\n", "").isprintable()] == []
    assert not list(target.glob(".*"))


@pytest.mark.parametrize("names", [SOME, pytest.param(list(CRAFTS), marks=pytest.mark.slow)])
def test_runs_are_exported_or_refused(source, untouched, tmp_path, names):
    check_exported(make_folders(tmp_path / "sims", source, untouched, names), tmp_path / "exported")


def check_report(root, call):
    """The report of all runs below a folder that can be shown, with what was printed."""
    done = call("analysis.report", "--root", str(root), "--images", "20", "--jobs", "1")
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    assert re.sub(r"[\n\r\t]", "", printed).isprintable() or "\x1b[A" in printed  # of a terminal
    return done


@pytest.fixture
def call(environment):
    return lambda *words, status=0: call_module(environment, *words, status=status)


def read_texts(folder):
    return {path: path.read_text(encoding="utf-8") for path in folder.rglob("*")
            if path.suffix in (".html", ".csv", ".tex", ".svg")}  # fmt: skip


def check_shown(data, root):
    """No text of a run is HTML, a formula of LaTeX or a character that acts."""
    texts = read_texts(data / "results" / "report")
    assert texts
    for path, text in texts.items():
        assert "<script>alert" not in text or path.suffix == ".csv", path
        assert "onerror=alert(1)>" not in text or path.suffix == ".csv", path
        assert "\x1b" not in text, path
        assert path.suffix != ".tex" or r"\input{" not in text, path
    page = (data / "results" / "report" / "index.html").read_text(encoding="utf-8")
    assert "disent/1" in page


@pytest.mark.ci
def test_some_are_reported(source, untouched, tmp_path, data, call):
    damaged = [name for name in CRAFTS if name.startswith(("results.json ", "run.json "))]
    folders = make_folders(tmp_path / "sims", source, untouched, ["all at once", *damaged, *CODE])
    needing = {name for name in CODE if open_run(folders[name]).status.startswith("NEEDS ")}
    done = check_report(tmp_path / "sims", call)
    left_out = dict(re.findall(r"left out: (.*?): (.+)", done.stderr))
    assert {str(folders[name]) for name in damaged} <= set(left_out)
    assert str(folders["all at once"]) not in left_out
    assert len(needing) >= 7 and not {str(folders[name]) for name in needing} & set(left_out)
    check_shown(data, tmp_path / "sims")


@pytest.mark.slow
def test_all_are_reported(source, untouched, tmp_path, data, call):
    make_folders(tmp_path / "sims", source, untouched, CRAFTS)
    check_report(tmp_path / "sims", call)
    check_shown(data, tmp_path / "sims")


def check_resumed(path, experiment, call):
    """A run goes on to the end, or is refused in a line; how it ended."""
    words = ("with", f"resume={path}", "training.epochs=3", "training.find_duplicates=False")
    with start_module(call, f"experiments.{experiment}", *words) as started:
        done = started.wait()
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed, printed
    assert done.returncode in (0, 1), printed
    if done.returncode:  # Sacred's own lines, of a run that had begun, may stand before it
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, printed
    return done.returncode


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_are_resumed_or_refused(source, untouched, tmp_path, environment, part):
    names = list(CRAFTS)[part::8]
    folders = make_folders(tmp_path / "sims", source, untouched, names)
    wrong = {}
    for name, path in folders.items():
        try:
            check_resumed(path, "disent", environment)
        except AssertionError as error:
            wrong[name] = str(error)[-600:]
    assert wrong == {}
