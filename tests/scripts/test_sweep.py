"""Sweeps of any settings: axes, cells, their states and costs, and the engine of one machine."""

import json
import os
import re
import signal
import time
from dataclasses import replace

import pytest

from disentgen.errors import UsageError
from disentgen.run_directory import RunDirectory
from disentgen.runs import find_runs, open_run
from engines import THREADS, Ended, Job, engines, open_engine
from engines.local import Local
from experiments.axes import describe_axes, list_idle, list_points, read_axes
from experiments.cells import Cell, drop_same, list_choices, read_cells, tabulate_states
from experiments.estimates import count_images, describe_costs
from experiments.making import Sweep
from experiments.sweep import ask_to_start, main
from processes import call_module, start_module

WORDS = ("dataset.dsprites", "dataset.source=stand-in", "model.fast", "training.vae")
SHORT = ("training.epochs=2", "training.epoch_length=4", "training.validation_images=32",
         "training.score_images=32", "training.find_duplicates=False")  # fmt: skip


CHOICES = list_choices("disent")


def test_what_is_given_several_times_is_an_axis():
    words = ["dataset.dsprites", "lr=1", "model.kim", "seed=1", "model.fast", "seed=2",
             "dataset.fast", "a.json", "b.YAML", "training.json"]  # fmt: skip
    axes = read_axes(words, CHOICES)
    assert [(axis.name, len(axis.points)) for axis in axes] == [
        ("dataset", 1), ("lr", 1), ("model", 2), ("seed", 2), ("dataset.fast", 1), ("a.json", 1),
        ("b.YAML", 1), ("training.json", 1),
    ]  # fmt: skip
    assert describe_axes(axes) == "model (2) × seed (2)"
    assert list_points(axes) == [
        ("dataset.dsprites", "lr=1", model, f"seed={seed}", *words[-4:])
        for seed in (1, 2) for model in ("model.kim", "model.fast")
    ]  # fmt: skip


def test_words_in_quotes_are_one_point_and_expressions_are_one_word():
    beta = "training.beta training.loss.params.beta=8"
    words = [beta, "training.vae", beta, "dataset.held_out=shape == 2 and posX > 0.5"]
    axes = read_axes(words, CHOICES)
    assert [axis.name for axis in axes] == ["training", "dataset.held_out"]
    assert axes[0].points == (tuple(beta.split()), ("training.vae",))
    assert axes[1].points == (("dataset.held_out=shape == 2 and posX > 0.5",),)
    for one in ("dataset.root=/my dataset", "dataset.root=/my seed", "training.lr=1 or=2"):
        assert read_axes([one])[0].points == ((one,),)
    assert read_axes(["a.JSON seed=1"])[0].points == (("a.JSON", "seed=1"),)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["training.vae training.lr=1", "training.beta", "training.lr=2"],
      r"training\.lr is given by itself and within a point"),
     (["seed=1 seed=2"], "gives seed 2 times"),
     (["training.vae training.beta"], "gives training 2 times"),
     (["seed=1", "--dry-run"], "options stand before 'with': --dry-run")],
)  # fmt: skip
def test_words_that_would_be_lost_are_refused(words, message):
    with pytest.raises(UsageError, match=message):
        read_axes(words, CHOICES)


def test_axes_along_which_no_cell_changes_are_named():
    axes = read_axes(["seed=1", "seed=2", "device=cpu", "device=cuda", "training.vae"], CHOICES)
    names = ["".join(word for word in point if "device" not in word) for point in list_points(axes)]
    assert list_idle(axes, names) == ["device"]
    assert list_idle(axes, ["".join(point) for point in list_points(axes)]) == []


def test_cells_are_what_they_mean_and_each_is_there_once():
    words = [WORDS, WORDS[::-1], (*WORDS, "seed=1"), (*WORDS, "seed=2"), (*WORDS, "training.lr=1")]
    cells = drop_same(read_cells([Cell("disent", one) for one in words]))
    assert [cell.config.seed for cell in cells] == [1, 2, 1]
    assert cells[0].words == (*WORDS, "seed=1")
    assert cells[0].kind == cells[1].kind != cells[2].kind


@pytest.fixture
def sims(data, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(data))
    return data / "sims" / "disent"


def make_folder(cell, folder, status, **record):
    """A folder of a run as it has ended."""
    directory = RunDirectory(folder).prepare()
    directory.save_config(cell.config)
    directory.save_split(cell.config.split)
    (folder / "run.json").write_text(json.dumps({"status": status, **record}))


@pytest.fixture
def cells():
    return read_cells([Cell("disent", (*WORDS, f"seed={seed}")) for seed in range(1, 6)])


TRACE = ["Traceback (most recent call last):\n", "  File …\n", "ValueError: it \x1b[31mbroke\n"]


def test_states_are_those_of_the_newest_runs(sims, cells):
    for number, status in enumerate(("COMPLETED", "INTERRUPTED", "FAILED")):
        make_folder(cells[number], sims / str(number + 1), status)
    make_folder(cells[3], sims / "4", "FAILED", start_time="2030-01-01T00:00:00")
    make_folder(cells[3], sims / "5", "COMPLETED", start_time="2030-01-02T00:00:00")
    *lines, counts = tabulate_states(cells).splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["done", "disent/1"], ["interrupted", "disent/2"], ["failed", "disent/3"],
        ["done", "disent/5"],
    ]  # fmt: skip
    assert lines[4].split()[:2] == ["missing", WORDS[0]]
    assert counts == "5 cells: 2 done, 0 running, 1 interrupted, 1 failed, 1 missing"


def test_only_cells_that_are_not_made_are_made_and_failures_are_named(sims, cells, capsys):
    make_folder(cells[0], sims / "1", "COMPLETED")
    make_folder(cells[1], sims / "2", "INTERRUPTED")
    make_folder(cells[2], sims / "3", "FAILED", fail_trace=TRACE)
    many = [*cells, *read_cells([Cell("disent", (*WORDS, "seed=6"))])]

    class Workers:
        def run(self, jobs):
            for job in jobs:
                self.numbers.append(job.number)
                if job.number == 6:
                    make_folder(many[5], sims / "6", "RUNNING")
                yield job, ends.get(job.number, Ended(0))

    workers, ends = Workers(), {
        4: Ended(3), 5: Ended(1, "some\nerror: no \x1b[2Jdisk\n"), 6: Ended(-9)
    }  # fmt: skip
    workers.numbers = []
    assert Sweep(many).make(workers) == 1
    printed = capsys.readouterr()
    assert workers.numbers == [2, 4, 5, 6]
    outcomes = [line for line in printed.out.splitlines() if "python" not in line]
    assert outcomes == [
        "[1/6] finished before", "[2/6] done", "[3/6] failed before", "[4/6] running",
        "[5/6] failed", "[6/6] interrupted",
        "6 cells: 1 finished before, 1 done, 1 failed before, 1 running, 1 failed, 1 interrupted; "
        "--retry tries failed ones again",
    ]  # fmt: skip
    assert f"interrupted: {sims / '6'}: its process was ended by SIGKILL" in printed.err
    assert f"failed before: {sims / '3'}: ValueError: it \\x1b[31mbroke" in printed.err
    assert f"failed: {' '.join(WORDS)} seed=5: no \\x1b[2Jdisk" in printed.err
    assert Sweep(cells, retry=True).make(workers) == 1
    assert workers.numbers[4:] == [2, 3, 4, 5]
    assert Sweep(cells[:4], retry=True).make(workers) == 3
    assert Sweep(cells[:2], retry=True).make(workers) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [(("model.kim", "model.fats"), "Did you mean 'model.fast'.*of the cell .*model.fats\\)"),
     (("training.lr=1", "training.lr=-1"), "training.lr: .*greater than 0.*of the cell"),
     (("model.kim", "training.batch_size=800000"), "batch"), (("training.kim=1",), "kim")],
)  # fmt: skip
def test_every_cell_is_checked_before_one_starts(sims, words, message, capsys):
    base = [word for word in WORDS if not word.startswith("model")]
    with pytest.raises(SystemExit) as ended:
        main(["disent", "with", *base, "model.fast", *words])
    printed = capsys.readouterr()
    assert re.search(message, f"{ended.value} {printed.err}")
    assert re.fullmatch(r"disent: .*: \d cells?\n", printed.out)  # before all checks
    assert not sims.exists()


def test_cells_of_which_some_are_the_same_are_counted_twice(sims, capsys):
    main(["disent", "--status", "--control", "with", *WORDS, "dataset.variant=leave1out", "seed=1",
          "seed=2", "device=cpu", "device=cuda"])  # fmt: skip
    printed = capsys.readouterr()
    first, second, *_ = printed.out.splitlines()
    assert first == "disent: seed (2) × device (2), with controls: 8 cells"
    assert second == "without repetitions: 4 cells"
    assert "device makes no cells of its own" in printed.err


def test_threads_and_devices_that_settings_files_give_are_given(tmp_path):
    for name, text in (("both", "threads: 3\ndevice: cpu"), ("auto", "threads: \ndevice: auto")):
        (tmp_path / f"{name}.yaml").write_text(f"{text}\nseed: 5")
    given = {}
    for name in ("both", "auto"):
        cell = Cell("disent", (*WORDS, str(tmp_path / f"{name}.yaml")))
        assert cell.give_seed() is cell
        job = cell.make_job(1)
        given[name] = job.threads, job.device_given
    assert given == {"both": (None, True), "auto": (THREADS, False)}
    typed = Cell("disent", (*WORDS, "threads=2", "device=cuda:0")).make_job(1)
    assert (typed.threads, typed.device_given) == (None, True)
    plain = Cell("disent", WORDS).make_job(1)
    assert (plain.threads, plain.device_given) == (THREADS, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["disent", "--seeds", "2", "with"], "--seeds is of a study"),
     (["disent", "--with", "training.lr=1"], "no error"),
     (["disent", "--status", "--dry-run", "with", *WORDS], "--status and --dry-run exclude"),
     (["disent", "--control", "--control-only", "with", *WORDS], "--control and --control-only"),
     (["disent", "--measure", "with", *WORDS], "--measure goes with --dry-run"),
     (["dissent", "with", "seed=1"], "unknown experiment 'dissent'.*Did you mean 'disent'"),
     (["disent", "--engine", "locale", "with", *WORDS], "unknown engine 'locale'.*'local'")],
)  # fmt: skip
def test_mistakes_of_a_grid(words, message, sims):
    if message == "no error":
        main([*words, "--dry-run", "--dataset", "dsprites", "--model", "VAE"])
    else:
        with pytest.raises(SystemExit, match=message):
            main(words)


def test_a_place_that_cannot_be_written_to_is_seen_before_a_cell_starts(monkeypatch, tmp_path):
    (tmp_path / "data").write_text("")
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    with pytest.raises(SystemExit, match="error: cannot write runs to"):
        main(["disent", "with", *WORDS])


def test_costs_are_those_of_earlier_runs_of_the_kind(sims, cells):
    other = read_cells([Cell("disent", (*WORDS, "training.batch_size=32", *SHORT))])
    assert count_images(other[0].config) == 2 * 4 * 32
    images = count_images(cells[0].config)
    assert images == 30 * (700_416 // 64) * 64
    for number, rate in enumerate((100.0, 400.0, 200.0), 1):
        folder = sims / str(number)
        make_folder(cells[0], folder, "COMPLETED")
        (folder / "history.csv").write_text(f"epoch,step,images_per_second\n1,90,1\n2,180,{rate}\n")
        (folder / "weights").write_bytes(bytes(2_000_000))
    for name, rate in (("5", "0"), ("6", "1e-320"), ("7", "-5")):
        make_folder(cells[0], sims / name, "COMPLETED")
        history = f"epoch,step,images_per_second\n1,900,{rate}\n"
        (sims / name / "history.csv").write_text(history)
    make_folder(cells[0], sims / "4", "COMPLETED")
    (sims / "4" / "history.csv").write_text("epoch,step,images_per_second\n1,99,1\n")
    line = describe_costs([cells[1], cells[2], *other], jobs=2, measure=False)
    hours = 2 * images / 200 / 2 / 3600
    assert line.startswith(f"3 cells to make: {2 * images + 256:,} images; about {hours:.0f} h ")
    assert " and 4 MB for 2 of them, 2 at a time; of 1 no run is there to go by; " in line


def test_many_cells_are_asked_about_on_a_terminal_alone(monkeypatch):
    answers = []
    monkeypatch.setattr("builtins.input", lambda question: answers.append(question) or "n")
    ask_to_start(100)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    ask_to_start(20)
    with pytest.raises(SystemExit, match="nothing was started"):
        ask_to_start(21)
    assert len(answers) == 1

    def end_input(question):
        raise EOFError

    monkeypatch.setattr("builtins.input", end_input)
    with pytest.raises(SystemExit, match="nothing was started"):
        ask_to_start(21)


def test_each_run_goes_to_the_gpu_with_the_fewest(monkeypatch):
    local, given = Local(3, ("4", "6")), []

    def call(command, env, **streams):
        given.append((env["CUDA_VISIBLE_DEVICES"], command[-1]))
        while len(given) < 3 and command[1] == "0":
            time.sleep(0.001)
        return (7, "why") if command[1] == "3" else (0, "")

    monkeypatch.setattr(local.children, "call", call)
    jobs = [Job(number, (str(number),), None if number == 1 else THREADS) for number in range(4)]
    ended = {job.number: one for job, one in local.run(jobs)}
    assert ended == {0: Ended(0), 1: Ended(0), 2: Ended(0), 3: Ended(7, "why")}
    assert sorted(device for device, _ in given[:3]) in (["4", "4", "6"], ["4", "6", "6"])
    assert sorted(last for _, last in given) == ["1", "threads=1", "threads=1", "threads=1"]


def test_an_engine_whose_package_is_not_there_says_so(monkeypatch):
    assert "local" in engines()
    monkeypatch.setattr("engines.find_spec", lambda name: None)
    lacking = {"far": replace(engines()["local"], package="farlib", extra="far")}
    monkeypatch.setattr("engines.engines", lambda: lacking)
    with pytest.raises(UsageError, match=r"--engine=far needs farlib.*disent-and-gen\[far\]"):
        open_engine("far", None)


GRID = ("experiments.sweep", "disent", "--jobs", "2", "with", *WORDS, *SHORT, "seed=1", "seed=2",
        "dataset.variant=leave1out", "dataset.variant=shape2tx")  # fmt: skip


def take_times(sims):
    return {path: path.stat().st_mtime_ns for path in sims.rglob("*") if path.is_file()}


@pytest.mark.ci
def test_a_sweep_is_made_once_however_often_and_in_whatever_order_it_is_given(environment, data):
    done = call_module(environment, *GRID)
    assert done.stdout.splitlines()[0] == "disent: seed (2) × dataset.variant (2): 4 cells"
    assert done.stdout.count("] done") == 4
    runs = find_runs(data / "sims")
    assert set(runs["status"]) == {"COMPLETED"} and len(runs) == 4
    before = take_times(data / "sims")
    again = call_module(environment, *GRID[:5], *GRID[:4:-1])
    assert again.stdout.count("] finished before") == 4
    assert take_times(data / "sims") == before
    status = call_module(environment, *GRID[:2], "--status", *GRID[4:]).stdout
    assert "4 cells: 4 done, 0 running, 0 interrupted, 0 failed, 0 missing" in status


@pytest.mark.slow
def test_a_sweep_that_was_killed_is_ended_by_two_at_once(environment, data):
    changed = {"training.epochs=2": "training.epochs=12",
               "training.epoch_length=4": "training.epoch_length=40"}  # fmt: skip
    long = [changed.get(word, word) for word in GRID]
    with start_module(environment, *long) as command:
        while not list((data / "sims").rglob("checkpoint.pt")):
            assert command.process.is_alive()
            time.sleep(0.02)
        os.kill(command.process.pid, signal.SIGKILL)
        command.wait()
    with start_module(environment, *long) as one, start_module(environment, *long) as other:
        ended = one.wait(), other.wait()
    assert {done.returncode for done in ended} <= {0, 3}, ended  # 3: the other one makes it
    runs = find_runs(data / "sims")
    assert len(runs) == 4 and set(runs["status"]) == {"COMPLETED"}
    for path in runs["path"]:
        assert open_run(path).history["epoch"].tolist() == list(range(1, 13))
