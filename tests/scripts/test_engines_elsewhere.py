"""Runs that Ray or Slurm makes or measures, and goes on with when a worker is lost."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import psutil
import pytest

from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from kills import read_outcome
from launching import EPOCHS, WORDS
from processes import MARK, call_module, start_module
from servers import run_slurm

pytestmark = pytest.mark.slow

#: Seconds within which something comes that is waited for.
PATIENCE = 240


def wait_for(condition, command=None):
    """What a condition is true with, once it is."""
    ends = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < ends and (command is None or command.process.is_alive())
        time.sleep(0.05)
    return value


def find_process(*given):
    """A process with some words in its command line that these tests have started."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = process.info["cmdline"] or []
        own = (process.info["environ"] or {}).get(MARK) == os.environ[MARK]
        if own and set(given) <= set(words):
            return process
    return None


def find_training(seed):
    """The process of a training that these tests have started."""
    return find_process("experiments.disent", f"seed={seed}")


def is_in_the_middle(data, seed):
    """Whether a run has a few epochs behind it."""
    for path in (data / "sims" / "disent").glob("[0-9]*/history.csv"):
        with contextlib.suppress(FileNotFoundError):
            if open_run(path.parent).saved.get("seed") == seed:
                return len(path.read_text().splitlines()) > 4
    return False


def read_statuses(done):
    """With what status the command of each run has ended."""
    pairs = re.findall(r"^run (\d+): (-?\d+)$", done.stdout, re.M)
    return {int(number): int(status) for number, status in pairs}


def count_starts(run):
    return len(RunDirectory(run.path).load_starts())


def read_whole(data):
    """What the runs have come to, by seed."""
    runs = [open_run(path.parent) for path in (data / "sims" / "disent").glob("*/config.json")]
    assert {run.status for run in runs} == {"COMPLETED"}
    return {run.saved["seed"]: run for run in runs}


def stat_all(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def undisturbed(environment, tmp_path):
    """The run of a seed that nothing has disturbed."""

    def train(seed):
        data = tmp_path / "undisturbed"
        given = environment | {"DISENTGEN_DATA": str(data)}
        words = ("with", *WORDS, f"seed={seed}", "threads=1")
        call_module(given, "experiments.disent", *words)
        return data / "sims" / "disent" / "1"

    return train


def check_same(run, other):
    """Check that a run that was lost has come to the same, each epoch once."""
    epochs = pd.read_csv(run.path / "history.csv")["epoch"]
    assert list(epochs) == [*range(1, EPOCHS + 1)]
    assert read_outcome(run.path) | {"files": 0} == read_outcome(other) | {"files": 0}


@pytest.fixture
def ray(environment):
    if find_spec("ray") is None:
        pytest.skip("ray is not installed")
    return "--engine=ray"


def test_ray_goes_on_with_a_run_whose_worker_is_killed(ray, environment, data, undisturbed):
    with start_module(environment, "launching", ray, "seed=1", "seed=2") as command:
        wait_for(lambda: is_in_the_middle(data, seed=1), command)
        killed = find_training(seed=1)
        killed.parent().kill()
        assert wait_for(lambda: not killed.is_running())
        done = command.wait()
    assert (done.returncode, read_statuses(done)) == (0, {1: 0, 2: 0})
    runs = read_whole(data)
    assert {seed: count_starts(run) for seed, run in runs.items()} == {1: 2, 2: 1}
    check_same(runs[1], undisturbed(1))
    before = stat_all(data / "sims" / "disent")
    call_module(environment, "launching", ray, "seed=2", "seed=1")
    assert stat_all(data / "sims" / "disent") == before
    assert list((data / "sims" / "_launches").iterdir()) == []


def test_runs_of_ray_end_with_who_has_launched_them(ray, environment, data):
    job = "seed=1 training.epochs=5000"  # it must not have ended before the signal comes to it
    with start_module(environment, "launching", ray, job) as command:
        wait_for(lambda: is_in_the_middle(data, seed=1), command)
        os.kill(command.process.pid, signal.SIGTERM)
        done = command.wait()
    assert (done.returncode, done.stderr.splitlines()[-1]) == (143, "warning: interrupted.")
    assert open_run(data / "sims" / "disent" / "1").status == "INTERRUPTED"
    assert list((data / "sims" / "_launches").iterdir()) == []


@pytest.fixture
def slurm(environment):
    if find_spec("submitit") is None:
        pytest.skip("submitit is not installed")
    with run_slurm() as settings:
        environment |= settings

        def ask(*words):
            return subprocess.run(
                words, env=environment, check=True, capture_output=True, text=True
            ).stdout

        wait_for(lambda: "idle" in ask("sinfo", "--noheader", "--format=%T"))
        yield ask


def begin_at_once(slurm, job):
    """Let a job that is queued again begin: Slurm waits for minutes."""
    state = ("squeue", "--noheader", f"--jobs={job}", "--format=%T")
    wait_for(lambda: slurm(*state).strip() == "PENDING")
    slurm("scontrol", "update", f"jobid={job}", "starttime=now")


def test_slurm_goes_on_with_runs_that_it_has_begun_again(slurm, environment, data, undisturbed):
    """Two packs of two at a time; one is requeued, and nobody waits for it meanwhile."""
    words = ("--engine=slurm", "--pack=2", "--at-once=1", "--hours=0.5",
             "seed=1", "seed=2", "seed=3")  # fmt: skip
    with start_module(environment, "launching", *words) as command:
        wait_for(lambda: is_in_the_middle(data, seed=1), command)
        os.kill(command.process.pid, signal.SIGINT)
        done = command.wait()
        assert done.returncode == 130
    (job,) = set(re.findall(r"scancel (\d+) cancels it", done.stdout))
    assert f"Slurm's job {job} goes on: squeue --jobs={job} shows it" in done.stdout
    slurm("scontrol", "requeue", f"{job}_0")
    begin_at_once(slurm, f"{job}_0")
    wait_for(lambda: not slurm("squeue", "--noheader"))
    runs = read_whole(data)
    assert {seed: count_starts(run) for seed, run in runs.items()} == {1: 2, 2: 2, 3: 1}
    check_same(runs[1], undisturbed(1))
    before = stat_all(data / "sims" / "disent")
    again = call_module(environment, "launching", *words)
    assert read_statuses(again) == {1: 0, 2: 0, 3: 0}
    assert stat_all(data / "sims" / "disent") == before


def test_slurm_begins_a_job_again_whose_time_is_up(slurm, environment, data, undisturbed):
    """Slurm sends it a signal before that; the run gets to its next checkpoint."""
    with start_module(environment, "launching", "--engine=slurm", "seed=1") as command:
        wait_for(lambda: is_in_the_middle(data, seed=1), command)
        slurm("scancel", "--signal=USR2", "--me")
        wait_for(lambda: find_training(seed=1) is None)
        assert open_run(data / "sims" / "disent" / "1").status == "INTERRUPTED"
        begin_at_once(slurm, slurm("squeue", "--noheader", "--format=%i").strip())
        done = command.wait()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "run 1: 0")
    check_same(read_whole(data)[1], undisturbed(1))


def test_jobs_that_are_cancelled_have_failed(slurm, environment):
    slurm("scontrol", "update", "partitionname=debug", "state=down")
    words = ("--engine=slurm", "seed=1", "seed=2")
    with start_module(environment, "launching", *words) as command:
        wait_for(lambda: slurm("squeue", "--noheader"), command)
        slurm("scancel", "--me")
        done = command.wait()
    assert (done.returncode, read_statuses(done)) == (2, {1: 1, 2: 1})
    assert len(re.findall(r"^error: Slurm has ended job \d+_[01], see ", done.stderr, re.M)) == 2


def test_what_slurm_refuses_is_said_in_a_line(slurm, environment):
    environment["SBATCH_PARTITION"] = "nowhere"
    done = call_module(environment, "launching", "--engine=slurm", "seed=1", status=1)
    assert done.stderr.startswith("error: Slurm refuses the jobs: ")
    assert "invalid partition" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_node_that_does_not_see_the_runs_is_said_in_a_line(slurm, environment, data):
    """The folder of the launch is hidden from the node when the job begins."""
    slurm("scontrol", "update", "partitionname=debug", "state=down")
    with start_module(environment, "launching", "--engine=slurm", "seed=1") as command:
        wait_for(lambda: slurm("squeue", "--noheader"), command)
        shutil.move(data / "sims" / "_launches", Path(data.parent) / "elsewhere")
        slurm("scontrol", "update", "partitionname=debug", "state=up")
        done = command.wait()
    assert done.returncode == 1
    assert done.stderr.startswith("error: runs, checkout and interpreter must be under the same")
    assert len(done.stderr.splitlines()) == 1


REPORT = ("analysis.report", "--images=200")
#: A job of a report.
PREPARE = "analysis.prepare"


def copy_runs(trained, data):
    """Two runs, of which nothing is measured yet."""
    for number in "12":
        run = Path("sims", "disent", number)
        shutil.copytree(trained / run, data / run)


@pytest.fixture(scope="module")
def own(trained, tmp_path_factory):
    """The tables of a report that measures by itself."""
    data = tmp_path_factory.mktemp("own")
    copy_runs(trained, data)
    call_module({**os.environ, "DISENTGEN_DATA": str(data)}, *REPORT, "--jobs=1")
    return {path.name: path.read_bytes() for path in (data / "results" / "report").glob("*.csv")}


@pytest.fixture
def check_tables(trained, data, own):
    """Check that the tables of a report on two runs are those."""
    copy_runs(trained, data)
    assert {"runs.csv", "metrics.csv"} <= set(own)

    def check():
        for name, content in own.items():
            assert (data / "results" / "report" / name).read_bytes() == content, name

    return check


def is_measured(data, number):
    return (data / "sims" / "disent" / number / "analysis" / "metrics.json").exists()


def test_a_report_by_ray_survives_the_loss_of_a_worker(ray, environment, data, check_tables):
    with start_module(environment, *REPORT, ray) as command:
        wait_for(lambda: is_measured(data, "1"), command)
        killed = find_process(PREPARE, str(data / "sims" / "disent" / "1"))
        killed.parent().kill()
        assert wait_for(lambda: not killed.is_running())
        done = command.wait()
    assert (done.returncode, done.stderr.count("left out")) == (0, 0)
    assert done.stdout.splitlines()[-1].startswith("2 runs: ")
    check_tables()
    assert list((data / "results" / "report" / "_launches").iterdir()) == []


@pytest.mark.parametrize("words", [("--engine=local", "--jobs=2"), ("--engine=ray",)])
def test_jobs_of_a_report_end_with_it(words, request, environment, data, check_tables):
    if "--engine=ray" in words:
        request.getfixturevalue("ray")
    with start_module(environment, *REPORT, *words) as command:
        wait_for(lambda: is_measured(data, "1"), command)
        os.kill(command.process.pid, signal.SIGINT)
        done = command.wait()
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "warning: interrupted.")
    assert find_process(PREPARE) is None
    assert not (data / "results" / "report" / "runs.csv").exists()
    assert list((data / "results" / "report" / "_launches").iterdir()) == []


def test_slurm_goes_on_measuring_for_a_report_that_is_left(slurm, environment, data, check_tables):
    words = (*REPORT, "--engine=slurm", "--pack=2")
    with start_module(environment, *words) as command:
        wait_for(lambda: is_measured(data, "1"), command)
        os.kill(command.process.pid, signal.SIGINT)
        done = command.wait()
    assert done.returncode == 130
    assert re.search(r"^Slurm's job \d+ goes on: squeue --jobs=\d+ shows it", done.stdout, re.M)
    wait_for(lambda: not slurm("squeue", "--noheader"))
    pictures = [data / "sims" / "disent" / number / "analysis" / "images_200" / "curves.png"
                for number in "12"]  # fmt: skip
    times = [path.stat().st_mtime_ns for path in pictures]
    done = call_module(environment, *words)
    assert done.stdout.splitlines()[-1].startswith("2 runs: ")
    assert [path.stat().st_mtime_ns for path in pictures] == times
    check_tables()


def test_a_node_that_does_not_see_the_runs_of_a_report_is_said_in_a_line(
    slurm, environment, data, check_tables
):
    """The folder of runs is hidden from the node when the job begins."""
    slurm("scontrol", "update", "partitionname=debug", "state=down")
    with start_module(environment, *REPORT, "--engine=slurm") as command:
        wait_for(lambda: slurm("squeue", "--noheader"), command)
        shutil.move(data / "sims", data / "elsewhere")
        slurm("scontrol", "update", "partitionname=debug", "state=up")
        done = command.wait()
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: runs, checkout and interpreter must be under the same")
    assert line.endswith(f": {data / 'sims'}.")
