"""Many processes over one folder: no run is lost, none trained twice, none refused wrongly."""

import json
import os
import random
import re
import signal
import time
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

import pandas as pd
import pytest

from conftest import FAST
from disentgen.runs import find_runs, open_run
from processes import start_module

#: Long enough to be under way while others come.
LONG = (*FAST, "training.epochs=12", "training.epoch_length=30")


def run_at_once(environment, commands):
    """Start commands at once; what each has printed, once all have ended."""
    with ExitStack() as stack:
        started = [stack.enter_context(start_module(environment, *command)) for command in commands]
        return [command.wait() for command in started]


@contextmanager
def listing_in_a_loop(folder):
    """Look at all runs again and again; yields the statuses that were seen."""
    seen, ended = set(), Event()

    def look():
        while not ended.is_set():
            runs = find_runs(folder) if folder.exists() else ()
            if len(runs):
                seen.update(runs["status"])

    looker = Thread(target=look)
    looker.start()
    try:
        yield seen
    finally:
        ended.set()
        looker.join()


@pytest.mark.parametrize(
    ("count", "apart"),
    [
        (2, False),
        pytest.param(3, True, marks=pytest.mark.ci),
        pytest.param(8, False, marks=pytest.mark.slow),
        pytest.param(8, True, marks=pytest.mark.slow),
    ],
)
def test_of_commands_that_start_or_go_on_one_trains(environment, data, count, apart):
    """On one machine, and on as many that share the folder and see no locks of others."""
    command = ("experiments.disent", "with", "resume=auto", *FAST)
    machines = [("as_machine", f"m{number}") * apart for number in range(count)]
    ended = run_at_once(environment, [(*machine, *command) for machine in machines])
    trained = [one for one in ended if "epoch 2/2" in one.stdout]
    assert len(trained) == 1 and trained[0].returncode == 0
    for one in ended:
        assert one.returncode in (0, 3), one
        refused = "another process is training in" in one.stderr
        complete = f"run {data / 'sims' / 'disent' / '1'} is complete." in one.stdout
        assert one is trained[0] or refused == (one.returncode == 3) != complete, one
    (run,) = find_runs(data / "sims")["path"]
    assert open_run(run).status == "COMPLETED"
    assert len(open_run(run).load_starts()) == 1


@pytest.mark.slow
def test_of_resumes_at_once_one_goes_on_and_the_others_change_nothing(environment, data):
    folder = data / "sims" / "disent" / "1"
    with start_module(environment, "experiments.disent", "with", *LONG) as command:
        while not (folder / "checkpoint.pt").exists():
            assert command.process.is_alive()
            time.sleep(0.02)
    assert open_run(folder).status == "DEAD"
    with listing_in_a_loop(data / "sims") as seen:
        ended = run_at_once(environment, [("experiments.disent", "with", "resume=1")] * 8)
    codes = [one.returncode for one in ended]
    assert codes.count(0) == 1
    for one in ended:
        late = "is complete (12 epochs)" in one.stderr
        refused = "another process is training in" in one.stderr
        if one.returncode != 0:
            assert late != refused and one.returncode == (1 if late else 3), one
    assert seen <= {"DEAD", "RUNNING", "COMPLETED"}
    run = open_run(folder)
    assert run.status == "COMPLETED"
    assert run.history["epoch"].tolist() == list(range(1, 13))
    assert len(run.load_starts()) == 2
    assert (folder / "cout.txt").read_text().count("resuming after epoch") == 1


@pytest.mark.ci
@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_run_whose_machine_is_lost_goes_on_elsewhere(environment, data, fate):
    """One that was only asleep writes nothing more to it."""
    folder, line = data / "sims" / "disent" / "1", ("experiments.disent", "with", "resume=auto")
    with start_module(environment, "as_machine", "a", *line, *LONG) as first:
        while not (folder / "checkpoint.pt").exists():
            assert first.process.is_alive()
            time.sleep(0.02)
        os.kill(first.process.pid, fate)
        (refused,) = run_at_once(environment, [("as_machine", "b", *line, *LONG)])
        assert refused.returncode == 3 and "another process is training" in refused.stderr
        time.sleep(3)
        (gone_on,) = run_at_once(environment, [("as_machine", "b", *line, *LONG)])
        assert gone_on.returncode == 0, gone_on
        assert "resuming after" in gone_on.stdout
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        if fate == signal.SIGSTOP:
            os.kill(first.process.pid, signal.SIGCONT)
            woken = first.wait()
            assert woken.returncode == 1, woken
            # The other machine has removed what this one was about to put in its place.
            assert re.search(r"taken over by another|: No such file", woken.stderr), woken
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    run = open_run(folder)
    assert run.status == "COMPLETED"
    assert run.history["epoch"].tolist() == list(range(1, 13))
    assert [path.name for path in folder.glob("*.lease")] == []


@pytest.mark.slow
def test_two_drivers_of_one_study_make_every_run_once(environment, data):
    words = ("experiments.sweep", "decoders", "--study", "montero2021", "--smoke",
             "--dataset", "dsprites", "--jobs", "2")  # fmt: skip
    with listing_in_a_loop(data / "sims") as seen:
        ended = run_at_once(environment, [words] * 2)
    assert {one.returncode for one in ended} <= {0, 3}, ended  # 3: the other one makes it
    runs = find_runs(data / "sims")
    assert (runs["status"] == "COMPLETED").all()
    assert sorted(runs["dataset.variant"]) == ["blank_side", "leave1out", "shape2tx"]
    assert all(len(open_run(path).load_starts()) == 1 for path in runs["path"])
    outcomes = [line.split("] ")[1] for one in ended for line in one.stdout.splitlines()
                if line.startswith("[") and "python" not in line]  # fmt: skip
    assert len(outcomes) == 6 and set(outcomes) <= {"done", "running", "finished before"}
    assert seen <= {"RUNNING", "COMPLETED"}


@pytest.mark.slow
def test_sixteen_starts_at_once_keep_apart(environment, data):
    with listing_in_a_loop(data / "sims") as seen:
        ended = run_at_once(environment, [("experiments.disent", "with", *FAST)] * 16)
    assert [one.returncode for one in ended] == [0] * 16, ended
    runs = find_runs(data / "sims")
    assert sorted(map(int, runs["id"])) == list(range(1, 17))
    assert set(runs["status"]) == {"COMPLETED"}
    assert runs["scores.validation.nll"].nunique() == 1
    assert seen <= {"RUNNING", "COMPLETED"}
    for path in map(open_run, runs["path"]):
        assert (path.path / "reconstructions.png").exists()
        assert len(path.load_starts()) == 1


def find_new(runs, before):
    """The folder of the run that has begun; None if none has."""
    new = [path for path in runs.iterdir() if path.name not in before] if runs.exists() else []
    assert len(new) <= 1
    return new[0] if new else None


def send(process, numbers, pause):
    """Send signals to a process, with pauses in between, unless it has ended."""
    for number in numbers:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        time.sleep(pause)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_dead_run_or_none(environment, data):
    runs, chosen = data / "sims" / "disent", random.Random(0)
    began = time.monotonic()
    run_at_once(environment, [("experiments.disent", "with", *FAST)])
    duration, seen = time.monotonic() - began, []
    for _ in range(30):
        before = {path.name for path in runs.iterdir()}
        with start_module(environment, "experiments.disent", "with", *FAST):
            time.sleep(chosen.uniform(0, duration))
        folder = find_new(runs, before)
        if folder is not None and (folder / "config.json").exists():
            seen.append(open_run(folder))
            assert seen[-1].status in ("DEAD", "COMPLETED"), folder
            assert seen[-1].status == "DEAD" or seen[-1].record.status == "COMPLETED"
    dead = [run.path for run in seen if run.status == "DEAD"]
    for path in dead[::5]:
        (done,) = run_at_once(environment, [("experiments.disent", "with", f"resume={path}")])
        assert done.returncode == 0, done
        assert open_run(path).results["scores"] == open_run(runs / "1").results["scores"]


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_signal_at_any_moment_leaves_a_whole_run_or_none(environment, data, times):
    """Whatever comes after the first while that is dealt with changes nothing."""
    runs, chosen = data / "sims" / "disent", random.Random(times)
    began = time.monotonic()
    run_at_once(environment, [("experiments.disent", "with", *FAST)])
    duration = time.monotonic() - began
    for _ in range(40):
        before = {path.name for path in runs.iterdir()}
        numbers = chosen.choices((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), k=times)
        with start_module(environment, "experiments.disent", "with", *FAST) as command:
            time.sleep(chosen.uniform(0, 1.1 * duration))
            send(command.process, numbers, chosen.choice((0, 0.01, 0.3)))
            ended = command.wait()
        folder = find_new(runs, before)
        codes = [128 + number for number in numbers]
        if folder is None:  # perhaps before the command could do anything about it
            assert ended.returncode in (*codes, 1, *(-number for number in numbers)), ended
            continue
        run = open_run(folder)
        assert run.is_held() is False and not list(folder.glob(".*")), ended
        assert "Traceback" not in ended.stdout + ended.stderr
        if ended.returncode == 0:
            assert run.status == "COMPLETED"
        else:
            assert (run.status, ended.returncode in codes) == ("INTERRUPTED", True), ended
            assert f"resume={folder}" in ended.stdout
    interrupted = find_runs(runs, status="INTERRUPTED")
    for path in interrupted["path"][::8]:
        (done,) = run_at_once(environment, [("experiments.disent", "with", f"resume={path}")])
        assert done.returncode == 0, done
        whole, again = open_run(runs / "1"), open_run(path)
        assert again.results["scores"] == whole.results["scores"]
        columns = ["seconds", "images_per_second"]
        pd.testing.assert_frame_equal(
            whole.history.drop(columns=columns), again.history.drop(columns=columns),
            check_exact=True,
        )  # fmt: skip
        metrics = json.loads((again.path / "metrics.json").read_text())
        assert metrics["train.loss"]["values"] == again.history["train.loss"].tolist()
