"""The other experiments' command lines, and the batch scripts over the table of the study."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from conftest import REPOSITORY
from disentgen.run_directory import RunDirectory
from disentgen.runs import find_runs, open_run
from disentgen.studies import camposampiero2025
from disentgen.studies.montero2021 import STUDY
from experiments.cells import SMOKE
from experiments.planned import plan_runs
from experiments.protocols import read_protocol
from experiments.sweep import Sweep, main
from processes import call_module

SHORT = (*SMOKE, "threads=1", "seed=1")


@pytest.fixture
def command(environment):
    """Run a module from inside ``scripts``."""

    return partial(call_module, environment)


@pytest.mark.ci
def test_decoders(command, data):
    command("experiments.decoders", "with", "dataset.dsprites", "dataset.variant=shape2tx",
            "model.kim", "training.loss.reconstruction=mse", *SHORT)  # fmt: skip
    run = open_run(data / "sims" / "decoders" / "1")
    assert run.config["training"]["lr"] == 1e-3
    assert run.config["training"]["loss"]["reconstruction"] == "mse"
    assert "train.squared_error" in run.history
    assert run.results["scores"]["held_out"]["nll"] > 0
    assert run.config["dataset"]["factor_scale"] == "raw"
    assert (run.path / "reconstructions.png").exists()


def test_decoders_follow_the_published_protocol_by_default(command):
    shown = command("experiments.decoders", "print_config", "with", "model.deep").stdout
    for setting in ("epochs = 500", "epoch_length = 10", "batch_size = 64", "lr = 0.001",
                    "validation_images = 6400"):  # fmt: skip
        assert setting in shown


def test_composers_follow_the_published_protocol_by_default(command):
    shown = command("experiments.composition", "print_config", "with", "model.kim").stdout
    for setting in ("epochs = 30", "epoch_length = 156", "batch_size = 64", "lr = 0.0001",
                    "validation_images = 6400"):  # fmt: skip
        assert setting in shown


def test_composition(command, data):
    done = command("experiments.composition", "with", "dataset.dsprites",
                   "dataset.variant=leave1out", "model.fast", "model.mixer=interpolation",
                   "training.factor", *SHORT)  # fmt: skip
    run = open_run(data / "sims" / "composition" / "1")
    assert run.results["task"]["held_out"]["fixed"] == ["shape"]
    assert run.results["task"]["train"]["fixed"] == []
    held_out = run.results["scores"]["held_out"]["nll_per_factor"]
    assert set(held_out) <= {"scale", "orientation", "posX", "posY"}
    assert "nll per factor" in done.stdout
    assert "held-out: shape cannot be exchanged" in done.stdout
    assert run.model.mixer.name == "interpolation"


def test_supervised(command, data):
    done = command("experiments.supervised", "with", "dataset.dsprites",
                   "dataset.variant=leave1out", "model.fast", *SHORT)  # fmt: skip
    run = open_run(data / "sims" / "supervised" / "1")
    assert run.config["dataset"]["factor_scale"] == "standardised"
    assert set(run.results["scores"]["held_out"]["squared_error_per_factor"]) == set(
        run.split.grid.names
    )
    assert (run.path / "predictions.png").exists()
    assert "nats + constant" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("experiments.decoders", "with", "dataset.dsprites"), "no model is named"),
        (
            ("experiments.decoders", "with", "dataset.dsprites", "model.kim",
             "training.loss.name=vae"),
            "training.loss.name=vae cannot judge .*accepted: nll",
        ),
        (("experiments.composition", "with", "dataset.dsprites", "model.kim",
          "model.mixer=lineal"), "Did you mean 'linear'"),
        (("experiments.supervised", "with", "training.vae"), "unknown named config"),
    ],
)  # fmt: skip
def test_mistakes(command, words, message):
    done = command(*words, status=1)
    assert re.search(message, done.stdout + done.stderr)
    assert "Traceback" not in done.stderr


@pytest.fixture
def interpreter(tmp_path):
    """A virtual environment that needs no set-up: the interpreter of these tests."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    wanted = [REPOSITORY / "pyproject.toml", REPOSITORY / "requirements.lock"]
    (folder / ".installed").write_text("".join(path.read_text() for path in wanted))
    return folder


@pytest.mark.parametrize(
    ("experiment", "number", "study"),
    [("disent", 66, STUDY), ("decoders", 11, STUDY), ("composition", 11, STUDY),
     ("supervised", 30, camposampiero2025.STUDY)],
)  # fmt: skip
def test_dry_run_prints_every_run(experiment, number, study, interpreter, tmp_path):
    script = REPOSITORY / "bin" / f"run-{experiment}.sh"
    printed = subprocess.run(
        [script, "--dry-run"], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "VENV": str(interpreter)},
    ).stdout.splitlines()  # fmt: skip
    first, *printed, last = printed
    assert first.endswith(f"row ({number}) × seed (1): {number} cells")
    assert last.startswith(f"{number} cells to make: ")
    assert len(set(printed)) == len(printed) == number
    runs = plan_runs(study, experiment)
    for line, planned in zip(printed, runs, strict=True):
        assert shlex.split(line, comments=True) == ["python", *planned.command]
        assert line.partition("  # ")[2] == planned.note
    assert len(plan_runs(study, experiment, range(1, 4))) == 3 * number
    assert f"The {experiment} runs of {study.title}, {number};" in script.read_text()


def test_batch_scripts_take_a_data_folder_beside_where_they_are_called(interpreter, tmp_path):
    python = interpreter / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$DISENTGEN_DATA"\n')
    names = ("run-disent.sh", "run-decoders.sh", "run-composition.sh", "run-liang.sh")
    for name in (*names, "run-supervised.sh"):
        done = subprocess.run(
            [REPOSITORY / "bin" / name], capture_output=True, text=True, check=True, cwd=tmp_path,
            env={**os.environ, "VENV": str(interpreter), "DISENTGEN_DATA": "data"},
        )  # fmt: skip
        assert set(done.stdout.split()) == {str(tmp_path / "data")}, name


def test_batch_scripts_work_where_slurm_runs_a_copy_of_them(interpreter, tmp_path):
    python = interpreter / "bin" / "python"
    python.write_text("#!/bin/sh\npwd\n")
    copy = shutil.copy(REPOSITORY / "bin" / "run-decoders.sh", tmp_path / "slurm_script")
    for submitted_from in (REPOSITORY, REPOSITORY / "scripts"):
        done = subprocess.run(
            [copy], capture_output=True, text=True, check=True, cwd=submitted_from,
            env={**os.environ, "VENV": str(interpreter), "SLURM_SUBMIT_DIR": str(submitted_from)},
        )  # fmt: skip
        assert done.stdout.strip() == str(REPOSITORY / "scripts")


def test_settings_and_controls_of_a_study(capsys):
    printed = []
    words = ["disent", "--dry-run", "--dataset", "dsprites", "--model", "VAE", "--seeds", "2"]
    for more in ([], ["--control-only"], ["--control"]):
        main([*words, *more, "--with", "training.epochs=6"])
        printed.append(capsys.readouterr().out.splitlines()[1:-1])
    assert [len(lines) for lines in printed] == [6, 6, 12]
    assert all("training.epochs=6" in line for lines in printed for line in lines)
    controls = [["dataset.control=True" in line for line in lines] for lines in printed]
    assert controls == [[False] * 6, [True] * 6, [False, True] * 6]


def test_a_misspelt_model_of_the_study_is_answered(command):
    done = command("experiments.sweep", "disent", "--model", "vae", "--dry-run", status=1)
    assert "Did you mean 'VAE'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("study", [STUDY, camposampiero2025.STUDY], ids=lambda study: study.name)
def test_every_word_of_the_table_is_known_to_its_experiment(command, study):
    for experiment in study.experiments:
        named = command(f"experiments.{experiment}", "print_named_configs").stdout
        for planned in plan_runs(study, experiment):
            for word in planned.words:
                assert "=" in word or re.search(rf"\b{word.split('.')[1]}\b", named), word


@pytest.mark.ci
def test_cells_run_beside_each_other(command, data):
    words = (
        "decoders",
        "--study",
        "montero2021",
        "--smoke",
        "--dataset",
        "dsprites",
        "--jobs",
        "2",
        "--control-only",
    )
    done = command("experiments.sweep", *words)
    assert done.stdout.count("] done") == 3
    runs = find_runs(data / "sims")
    assert (runs["status"] == "COMPLETED").all()
    assert (runs["threads"] == 1).all()
    assert runs["dataset.control"].all()


def list_jobs(*cells):
    """Command lines of the cells that a sweep would make now."""
    return [job.words for job in Sweep(cells).list_jobs()]


def test_runs_on_the_stand_in_do_not_count_once_the_original_is_there(data, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(data))
    (planned,) = plan_runs(STUDY, "decoders", dataset="dsprites")[:1]
    folder = data / "sims" / "decoders" / "1"
    settings = read_protocol("decoders", planned.words)
    RunDirectory(folder).prepare().save_config(settings)
    record = {"status": "COMPLETED", "meta": {"comment": planned.comment}}
    (folder / "run.json").write_text(json.dumps(record))
    assert list_jobs(planned) == []
    (planned,) = plan_runs(STUDY, "decoders", dataset="dsprites")[:1]
    original = data / "raw" / "dsprites" / "dsprite_train.npz"
    original.parent.mkdir(parents=True)
    np.savez(original, imgs=np.zeros(1))
    assert list_jobs(planned) == [planned.command]


def test_runs_of_other_defaults_are_none_of_a_cell(data, monkeypatch):
    """An earlier version's words meant another protocol; what cannot be read is none either."""
    monkeypatch.setenv("DISENTGEN_DATA", str(data))
    (planned,) = plan_runs(STUDY, "composition", dataset="dsprites")[:1]
    earlier = REPOSITORY / "tests" / "fixtures" / "earlier_runs" / "composition" / "unbroken"
    folder = data / "sims" / "composition" / "1"
    shutil.copytree(earlier, folder)
    record = json.loads((folder / "run.json").read_text())
    record["meta"]["comment"] = planned.comment
    (folder / "run.json").write_text(json.dumps(record))
    assert list_jobs(planned) == [planned.command]
    (folder / "config.json").write_text("{")
    assert list_jobs(planned) == [planned.command]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--jobs", "0"),
            "argument --jobs: expected is a whole number from 1 to 1,024; given: '0'",
        ),
        (("--dataset", "discs"), "unknown dataset 'discs'; accepted: dsprites, mpi3d, shapes3d."),
        (("--dataset", "dsprite"), "Did you mean 'dsprites'?"),
        (("--study", "montero2020"), "Did you mean 'montero2021'?"),
    ],
)
def test_mistakes_of_a_study(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["disent", "--dry-run", *words])
    assert message in f"{ended.value} {capsys.readouterr().err}"


def test_an_experiment_that_the_study_lacks_is_answered():
    message = (
        "unknown experiment of montero2021 'decoder'; accepted: disent, decoders, composition."
    )
    with pytest.raises(SystemExit, match=message):
        main(["decoder", "--study", "montero2021", "--dry-run"])
    message = "unknown experiment of a study 'decoder'; accepted: .*Did you mean 'decoders'"
    with pytest.raises(SystemExit, match=message):
        main(["decoder", "--dry-run"])
    with pytest.raises(SystemExit, match="--study must name one of liang2025, montero2021"):
        main(["decoders", "--dry-run"])
    with pytest.raises(SystemExit, match="unknown experiment of montero2021 'supervised'"):
        main(["supervised", "--dry-run", "--study", "montero2021"])


@pytest.fixture
def sweep(environment, monkeypatch, capsys):
    """What a sweep prints, which is called in this process: its runs start faster as forks."""

    def fork(self, command, **streams):
        done = call_module(environment, *command[2:])
        return done.returncode, done.stderr

    def call(*words):
        main(list(words))
        return capsys.readouterr().out

    monkeypatch.setenv("DISENTGEN_DATA", environment["DISENTGEN_DATA"])
    monkeypatch.setattr("engines.children.Children.call", fork)
    return call


@pytest.mark.ci
def test_finished_cells_are_skipped_and_interrupted_ones_go_on(sweep, command, data):
    words = ("decoders", "--study", "montero2021", "--smoke", "--dataset", "dsprites")
    assert sweep(*words).count("] done") == 3
    runs = find_runs(data / "sims")
    assert (runs["status"] == "COMPLETED").all()
    assert set(runs["dataset.variant"]) == {"leave1out", "shape2tx", "blank_side"}
    broken = data / "sims" / "decoders" / "2" / "run.json"
    broken.write_text(json.dumps(json.loads(broken.read_text()) | {"status": "INTERRUPTED"}))
    second = sweep(*words)
    assert second.count("] finished before") == 2
    assert second.count("] done") == 1
    assert len(find_runs(data / "sims")) == 3
    assert open_run(broken.parent).status == "COMPLETED"
    command("experiments.decoders", "with", "resume=1", "training.score_images=32")
    assert sweep(*words).count("] finished before") == 3


def test_a_run_of_another_experiment_is_left_as_it_is(command, data):
    command("experiments.decoders", "with", "dataset.dsprites", "model.fast", *SHORT)
    folder = data / "sims" / "decoders" / "1"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = command("experiments.disent", "with", f"resume={folder}", "training.epochs=2", status=1)
    assert "is one of experiments.decoders: go on with it by python -m" in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
