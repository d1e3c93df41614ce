"""Reports whose runs an engine measures and draws."""

import json
import os
import shutil
from pathlib import Path

import pytest

from analysis import prepare as job_command
from analysis import report as command
from analysis.handing_out import deal, prepare_by
from conftest import REPOSITORY
from disentgen.analysis import collection as collections
from disentgen.analysis.collect import find_collection
from disentgen.analysis.collection import Collection, RunResults
from disentgen.cores import available_threads
from disentgen.errors import DataFileError
from disentgen.paths import data_folder
from disentgen.report import page, prepare
from disentgen.report.prepare import load_results, save_results
from disentgen.report.tables import save_tables
from disentgen.runs import open_run
from engines import Ended
from engines.local import Local
from processes import call_module

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture
def collection(tmp_path):
    """Two runs, and the folder of their report."""
    (tmp_path / "report").mkdir()
    runs = [open_run(EARLIER / "disent" / number) for number in "12"]
    return Collection(runs, {}, 60, beside=tmp_path / "report")


@pytest.fixture
def idle(monkeypatch):
    """Nothing is measured or drawn in this process."""
    monkeypatch.setattr(collections, "work_on", lambda *_: pytest.fail("measured here"))


class Workers:
    """Workers that measure something on each run, but for the jobs that they lose."""

    def __init__(self, *lost):
        self.lost = lost
        self.asked = []

    def run(self, jobs, folders):
        for job in jobs:
            self.asked.append((job.take(3), folders))
            words = [word for word in job.words if not word.startswith("-")]
            results = job.words[3].removeprefix("--results=")
            for run in words[1:] if job.number not in self.lost else ():
                save_results(RunResults(run, {"mig": {"score": 0.5}}, {}), Path(results))
            yield job, Ended(-9, "warning: \x1b[2Jhot\n") if job.number in self.lost else Ended(0)


def test_what_workers_have_measured_is_not_measured_again(collection, idle, tmp_path):
    workers = Workers()
    prepare_by(workers, collection, tmp_path / "sims")
    assert collection.measure() == 2
    paths = [str(run.path) for run in collection.runs]
    assert [collection._results[path].results for path in paths] == [{"mig": {"score": 0.5}}] * 2
    for (words, folders), path in zip(workers.asked, paths, strict=True):
        assert words[:3] == ("-m", "analysis.prepare", f"--report={tmp_path / 'report'}")
        assert words[4:] == ("--images=60", path, "--jobs=3")
        assert folders == [tmp_path / "report", tmp_path / "sims"]
    assert list((tmp_path / "report" / "_launches").iterdir()) == []


def test_a_job_that_was_lost_costs_its_runs_alone(collection, idle, tmp_path, capsys):
    first, second = (str(run.path) for run in collection.runs)
    prepare_by(Workers(2), collection, tmp_path)
    assert [str(run.path) for run in collection.runs] == [first]
    assert collection.left_out == {second: "its process was ended by SIGKILL"}
    said = "measuring and drawing 2 runs: what is missing\nwarning: \\x1b[2Jhot\n"
    assert capsys.readouterr().err == said
    with pytest.raises(DataFileError, match="no run is left.*disent/1: its process was ended by"):
        prepare_by(Workers(1), collection, tmp_path)


def test_a_few_runs_are_jobs_of_their_own_and_many_share_them():
    for runs, cpus, jobs, largest in (
        (1, 1, 1, 1), (32, 1, 32, 1), (33, 1, 17, 2), (200, 1, 29, 7), (999, 1, 125, 8),
        (3, 4, 1, 3), (10, 4, 3, 4), (999, 4, 125, 8), (100, 16, 7, 15),
    ):  # fmt: skip
        shares = deal([str(number) for number in range(runs)], cpus)
        assert (len(shares), max(map(len, shares))) == (jobs, largest)
        assert sorted(int(run) for share in shares for run in share) == list(range(runs))


def test_results_come_out_of_their_file_as_they_went_in(tmp_path):
    bounds = {("mig", "score"): {"ceiling": 1 / 3, "floor": None}, ("sap", "score"): {"ceiling": 1}}
    scores = {"mig": {"score": 0.1 + 0.2, "images": 60, "list": [None, 1.0]}, "x": {"warning": "β"}}
    for results in (
        RunResults("/a/\udcff 1", scores, bounds), RunResults("/b", {}, {}, "why"),
    ):  # fmt: skip
        save_results(results, tmp_path)
        loaded = load_results(results.path, tmp_path)
        assert repr(loaded) == repr(results)
    assert load_results("/c", tmp_path) is None
    save_results(results, tmp_path / "gone")  # the report was interrupted
    assert not (tmp_path / "gone").exists()


@pytest.fixture
def body(tmp_path, monkeypatch):
    """What a job does, with runs that cannot be measured or drawn."""
    monkeypatch.setattr(job_command, "interrupt_on_signals", lambda: None)
    problems = {"1": ("no model", None), "2": (None, "no room"), "3": (None, None)}
    measured, drawn = [], []

    def measure_run(path, images, only, beside):
        measured.append((path.name, images, only, beside))
        return RunResults(str(path), {}, {}, problems[path.name][0])

    def draw_run(path, images, beside):
        drawn.append((path.name, images, beside))
        return str(path), problems[path.name][1]

    monkeypatch.setattr(prepare, "measure_run", measure_run)
    monkeypatch.setattr(prepare, "draw_run", draw_run)
    return measured, drawn


def test_a_job_leaves_results_or_the_problem_of_each_run(body, tmp_path):
    measured, drawn = body
    runs = [str(tmp_path / name) for name in "123"]
    words = ["--report", str(tmp_path), "--results", str(tmp_path), "--images=60", *runs]
    job_command.main([*words, "--jobs=1"])
    assert measured == [(name, 60, None, tmp_path) for name in "123"]
    assert drawn == [(name, 60, tmp_path) for name in "23"]
    assert [load_results(run, tmp_path).problem for run in runs] == ["no model", "no room", None]


def test_a_job_ends_where_it_does_not_see_the_report(body, tmp_path):
    words = ["--report", str(tmp_path / "gone"), "--results", str(tmp_path), str(tmp_path / "1")]
    with pytest.raises(SystemExit, match=f"^error: the report's folder is not there: {tmp_path}"):
        job_command.main(words)
    assert not body[0]


def test_a_job_uses_one_thread_for_each_process_and_can_be_interrupted(monkeypatch):
    seen = []
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setattr(job_command, "interrupt_on_signals", lambda: seen.append("signals"))
    monkeypatch.setattr(
        prepare, "prepare_runs", lambda given: seen.append(os.environ["OMP_NUM_THREADS"])
    )
    job_command.main(["--report=a", "--results=b", "run"])
    assert seen == ["signals", "1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine=ray", "--jobs=2"), "--engine=ray does not take --jobs; it takes --address,"),
        (("--engine=local", "--cpus=2"), "--engine=local does not take --cpus; it takes --jobs."),
        (("--cpus=2",), "--engine=local does not take --cpus; it takes --jobs."),
        (
            ("--engine=slurm", "--jobs=2"),
            "--engine=slurm does not take --jobs; it takes --cpus, --pack,",
        ),
        (("--engine=slrm",), "unknown engine 'slrm'; accepted: local, ray, slurm. Did you mean"),
    ],
)
def test_options_of_another_engine_are_refused_before_runs_are_looked_for(words, said, monkeypatch):
    monkeypatch.setattr(page, "make_report", lambda *_: pytest.fail("a report is made"))
    monkeypatch.setattr(command, "interrupt_on_signals", lambda: None)
    with pytest.raises(SystemExit) as ended:
        command.main(list(words))
    assert str(ended.value).startswith(f"error: {said}")


def test_jobs_are_processes_at_a_time_whoever_measures(monkeypatch):
    made = []
    monkeypatch.setattr(page, "make_report", lambda *given: made.append(given))
    monkeypatch.setattr(command, "interrupt_on_signals", lambda: None)
    for words, jobs in ((["--jobs=3"], 3), ([], available_threads())):
        command.main(words)
        assert made.pop()[0].jobs == jobs
        command.main(["--engine=local", *words])
        prepare = made.pop()[1]
        (workers,) = prepare.args
        assert prepare.keywords == {"root": data_folder() / "sims", "cpus": 1}
        assert (workers.jobs, workers.threads) == (jobs, None if jobs == 1 else 1)


def forget(run, name):
    """Have a result of a run measured again."""
    kept = json.loads((run / "analysis" / "metrics.json").read_text())
    del kept["measured"][name]
    (run / "analysis" / "metrics.json").write_text(json.dumps(kept))


TABLES = ("runs.csv", "cells.csv", "metrics.csv", "comparison.csv", "claims.csv", "cells.tex")


def test_workers_keep_what_they_measure_and_tables_are_the_same(
    reported, environment, idle, monkeypatch, tmp_path
):
    def fork(self, command, **streams):
        done = call_module(environment, *command[2:])
        return done.returncode, done.stderr

    monkeypatch.setenv("DISENTGEN_DATA", str(reported))
    monkeypatch.setattr("engines.children.Children.call", fork)
    run, before = reported / "sims" / "disent" / "1", reported / "results" / "report"
    forget(run, "mig")
    (run / "analysis" / "images_200" / "curves.png").unlink()
    found = find_collection(images=200)
    found.beside = before
    prepare_by(Local(3), found, reported / "sims")
    assert "mig" in json.loads((run / "analysis" / "metrics.json").read_text())["measured"]
    assert (run / "analysis" / "images_200" / "curves.png").exists()
    save_tables(found, tmp_path)
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (before / name).read_bytes(), name


@pytest.mark.ci
def test_a_report_by_an_engine_is_that_of_this_process(reported, environment, tmp_path):
    shutil.rmtree(reported / "sims" / "decoders" / "1" / "analysis")
    before = {path.name: path.read_bytes() for path in (reported / "results" / "report").glob("*")
              if path.name in TABLES}  # fmt: skip
    words = ("--engine", "local", "--jobs", "2", "--images", "200", "--output", str(tmp_path))
    done = call_module(environment, "analysis.report", *words)
    assert done.stdout == f"3 runs: {tmp_path / 'index.html'}\n"
    assert done.stderr == "measuring and drawing 3 runs: what is missing\n"
    assert {name: (tmp_path / name).read_bytes() for name in TABLES} == before
    assert (tmp_path / "runs" / "decoders-1.html").exists()
