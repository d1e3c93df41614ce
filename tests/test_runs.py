import datetime
import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch

from configs.cnnvae import ARCHITECTURES
from conftest import REPOSITORY, read_config
from disentgen import __main__ as command
from disentgen.errors import DataFileError, RunningError
from disentgen.history import Progress, read_progress
from disentgen.paths import replaced_whole
from disentgen.registry import read_constants
from disentgen.run_directory import RunDirectory
from disentgen.runs import find_runs, open_run
from disentgen.training.losses import losses

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


def make_run(folder, status="COMPLETED", heartbeat=None, **config):
    """A run directory as a training leaves it."""
    folder.mkdir(parents=True)
    settings = read_config(
        "lgm",
        dataset={"name": "dsprites", "variant": "shape2tx"},
        model=ARCHITECTURES["fast"],
        **config,
    )
    RunDirectory(folder).save_config(settings)
    host = {"hostname": platform.node()}
    entry = {"status": status, "heartbeat": heartbeat, "host": host}
    (folder / "run.json").write_text(json.dumps(entry))
    model = settings.build_model()
    description = {
        "family": "lgm",
        "image_shape": [1, 64, 64],
        "factors": ["shape", "scale", "orientation", "posX", "posY"],
        "parameters": settings.model,
    }
    RunDirectory(folder).save_model(model.state_dict(), description)
    return model


def now(minus_seconds=0):
    moment = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return (moment - datetime.timedelta(seconds=minus_seconds)).isoformat()


def test_open_run_gives_back_config_split_and_model(tmp_path):
    model = make_run(tmp_path / "disent" / "1").eval()
    run = open_run(tmp_path / "disent" / "1")
    assert (run.experiment, run.id, run.status) == ("disent", "1", "COMPLETED")
    assert run.config["dataset"]["variant"] == "shape2tx"
    assert run.split.held_out.sum() == 122_880
    images = torch.rand(2, 1, 64, 64)
    assert torch.equal(run.model(images).reconstruction, model(images).reconstruction)
    assert not run.model.training


def test_clearing_a_run_leaves_what_this_process_is_writing(tmp_path):
    with replaced_whole(tmp_path / "run.json") as mine:
        mine.write_text("{}")
        (tmp_path / ".model.pt.1.2.tmp").write_text("of a process that was killed")
        RunDirectory(tmp_path).clear()
        assert list(tmp_path.iterdir()) == [mine]
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_library_opens_a_run_without_sacred(tmp_path):
    make_run(tmp_path / "disent" / "1")
    program = (
        "import sys; sys.modules['sacred'] = None; from disentgen.runs import open_run; "
        f"run = open_run({str(tmp_path / 'disent' / '1')!r}); run.model, run.split; print('opened')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "opened\n", done.stderr


def test_find_runs_makes_a_row_of_each_and_filters(tmp_path):
    for name in ("1", "2", "10"):
        make_run(tmp_path / "disent" / name, seed=int(name))
    make_run(tmp_path / "disent" / "3", status="FAILED")
    runs = find_runs(tmp_path)
    assert runs["id"].tolist() == ["1", "2", "3", "10"]
    assert runs["model.latent_size"].tolist() == [10] * 4
    assert find_runs(tmp_path, status="FAILED")["id"].tolist() == ["3"]
    assert find_runs(tmp_path, seed=10, **{"dataset.variant": "shape2tx"})["id"].tolist() == ["10"]
    with pytest.raises(DataFileError, match="is not a folder"):
        find_runs(tmp_path / "nothing")
    with pytest.raises(DataFileError, match="have no 'sede'"):
        find_runs(tmp_path, sede=1)


def test_run_whose_process_is_gone_is_dead(tmp_path):
    """The lock tells on this machine, however old the heartbeat; without one, the heartbeat."""
    for name, beat in {"free": 0, "held": 3600, "fresh": 0, "stale": 3600}.items():
        make_run(tmp_path / name, "RUNNING", heartbeat=now(minus_seconds=beat))
    (tmp_path / "free" / "run.lock").touch()
    with RunDirectory(tmp_path / "held").held():
        program = (
            "import sys; from disentgen.runs import open_run; "
            "print(*(open_run(path).status for path in sys.argv[1:]))"
        )
        folders = [str(tmp_path / name) for name in ("free", "held", "fresh", "stale")]
        done = subprocess.run(
            [sys.executable, "-c", program, *folders], capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == ["DEAD", "RUNNING", "RUNNING", "DEAD"]


def test_a_run_that_ends_while_it_is_looked_at_is_not_dead(tmp_path, monkeypatch):
    make_run(tmp_path / "1", "RUNNING", heartbeat=now())

    def end(directory):
        record = json.loads((directory.path / "run.json").read_text())
        (directory.path / "run.json").write_text(json.dumps(record | {"status": "COMPLETED"}))
        return False

    monkeypatch.setattr(RunDirectory, "is_held", end)
    assert open_run(tmp_path / "1").status == "COMPLETED"


def test_a_run_of_the_library_alone_is_known_by_its_lock(tmp_path):
    make_run(tmp_path / "1")
    (tmp_path / "1" / "run.json").unlink()
    (tmp_path / "1" / "results.json").unlink(missing_ok=True)
    assert open_run(tmp_path / "1").status == "UNKNOWN"
    with RunDirectory(tmp_path / "1").held():
        assert open_run(tmp_path / "1").status == "RUNNING"
    assert open_run(tmp_path / "1").status == "DEAD"


def test_directory_is_held_by_one_process_at_a_time(tmp_path):
    make_run(tmp_path / "1")
    with RunDirectory(tmp_path / "1").held():
        with (
            pytest.raises(RunningError, match="another process is training"),
            RunDirectory(tmp_path / "1").held(),
        ):
            pass
        assert RunDirectory(tmp_path / "1").is_held()
    # The file stays: of one that is deleted, two processes could hold one each.
    assert RunDirectory(tmp_path / "1").is_held() is False


def test_a_model_that_is_not_the_one_that_was_scored_is_refused(tmp_path):
    model = make_run(tmp_path / "1")
    directory = RunDirectory(tmp_path / "1")
    earlier = json.loads((EARLIER / "disent" / "1" / "results.json").read_text())
    directory.save_results(earlier)
    assert open_run(tmp_path / "1").model is not None  # which does not say it
    directory.save_results({**earlier, "model_sha256": directory.digest("model.pt")})
    assert open_run(tmp_path / "1").model is not None
    torch.nn.init.zeros_(next(model.parameters()))
    torch.save(model.state_dict(), tmp_path / "1" / "model.pt")
    with pytest.raises(DataFileError, match=r"model\.pt has changed since the run ended"):
        open_run(tmp_path / "1").model  # noqa: B018


def test_split_is_opened_without_images(tmp_path):
    make_run(tmp_path / "1")
    config = json.loads((tmp_path / "1" / "config.json").read_text())
    config["dataset"] |= {"source": "original", "root": str(tmp_path / "nowhere")}
    (tmp_path / "1" / "config.json").write_text(json.dumps(config))
    run = open_run(tmp_path / "1")
    assert run.split.held_out.sum() == 122_880
    with pytest.raises(DataFileError, match="the original dSprites file is not at"):
        run.dataset  # noqa: B018


def test_damaged_checkpoint_is_told_as_such(tmp_path):
    make_run(tmp_path / "1")
    (tmp_path / "1" / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(DataFileError, match="checkpoint.pt is damaged"):
        open_run(tmp_path / "1").load_checkpoint()


def test_files_that_are_cut_off_are_damaged_and_those_that_are_not_there_are_not(tmp_path):
    make_run(tmp_path / "1")
    assert open_run(tmp_path / "1").results is None
    (tmp_path / "1" / "results.json").write_text("{")
    (tmp_path / "1" / "run.json").write_text('{"status": "RUN')
    run = open_run(tmp_path / "1")
    for name in ("results", "record"):
        with pytest.raises(DataFileError, match=r"(results|run)\.json is damaged: .* line 1"):
            getattr(run, name)
    assert find_runs(tmp_path)[["status", "problem"]].values.tolist() == [
        ["DAMAGED", str(run.problem)]
    ]
    assert run.problem.startswith("run.json is damaged: ")
    make_run(tmp_path / "2")
    (tmp_path / "2" / "run.json").unlink()
    assert open_run(tmp_path / "2").status == "UNKNOWN"
    assert open_run(tmp_path / "2").problem is None


def test_mistakes(tmp_path):
    with pytest.raises(DataFileError, match="is not a run directory"):
        open_run(tmp_path / "7")
    make_run(tmp_path / "1")
    (tmp_path / "1" / "model.pt").unlink()
    with pytest.raises(DataFileError, match="holds no model"):
        open_run(tmp_path / "1").load_model()


def test_files_are_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), replaced_whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    with replaced_whole(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]
    (tmp_path / "blocked").write_text("")
    with (
        pytest.raises(DataFileError, match="cannot write"),
        replaced_whole(tmp_path / "blocked" / "file"),
    ):
        pass


def test_weights_hold_no_python_objects(tmp_path):
    make_run(tmp_path / "1")
    weights = torch.load(tmp_path / "1" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())
    assert np.isfinite(sum(value.sum().item() for value in weights.values()))


def write_history(folder, rows):
    """A history as a training leaves it, ten steps an epoch."""
    lines = [f"{epoch},{10 * epoch},1.5" for epoch in range(1, rows + 1)]
    (folder / "history.csv").write_text("\n".join(["epoch,step,train.loss", *lines]) + "\n")


def test_progress_is_that_of_the_last_row(tmp_path):
    make_run(tmp_path / "1", training={"epochs": 30})
    run = open_run(tmp_path / "1")
    assert run.progress == Progress(0, 0, 30)
    write_history(tmp_path / "1", 12)
    assert run.progress == Progress(12, 120, 30)  # of the same run, which is still training
    assert str(run.progress) == "12/30"
    assert len(run.history) == 12


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,step\n",
        "epoch\n1\n",
        "epoch,step\n1\n",
        "a\x80",
        "epoch,st\rep\n1,2\n",
        'epoch,step\n1,2\n"\n',
    ],
)
def test_a_damaged_history_is_an_error_of_its_run_alone(tmp_path, text):
    make_run(tmp_path / "1")
    (tmp_path / "1" / "history.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataFileError, match="history.csv is damaged"):
        read_progress(tmp_path / "1" / "history.csv")
    make_run(tmp_path / "2")
    write_history(tmp_path / "2", 3)
    assert find_runs(tmp_path)["epochs_done"].isna().tolist() == [True, False]


def test_the_list_says_how_far_each_run_is(tmp_path, capsys):
    training = {"epochs": 30, "loss": {"name": "factor", "params": {"gamma": 20}}}
    make_run(tmp_path / "disent" / "1", training=training)
    make_run(tmp_path / "disent" / "2", "RUNNING", heartbeat=now(), training=training)
    make_run(tmp_path / "disent" / "3", "INTERRUPTED")
    for name, rows in {"1": 20, "2": 12}.items():  # the first was stopped early
        write_history(tmp_path / "disent" / name, rows)
    command.main([str(tmp_path)])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["experiment", "id", "status", "epochs", "steps"]
    assert [line.split()[:5] for line in lines] == [
        ["disent", "1", "COMPLETED", "20", "200"],
        ["disent", "2", "RUNNING", "12/30", "120"],
        ["disent", "3", "INTERRUPTED", "0/30", "0"],
    ]
    assert ["factor 20" in line for line in lines] == [True, True, False]


def test_settings_that_are_no_numbers_do_not_end_the_list(tmp_path, capsys):
    make_run(tmp_path / "disent" / "1", training={"loss": {"name": "beta"}})
    config = json.loads((tmp_path / "disent" / "1" / "config.json").read_text())
    config["model"]["latent_size"] = "ten"
    config["training"] |= {"epochs": "many", "lr": "1e-3"}
    config["training"]["loss"]["params"]["beta"] = "four"
    (tmp_path / "disent" / "1" / "config.json").write_text(json.dumps(config))
    command.main([str(tmp_path)])
    assert {"ten", "four"} <= set(capsys.readouterr().out.split())
    assert find_runs(tmp_path)["training.lr"].tolist() == [0.001]


@pytest.mark.parametrize("version", ["earlier", "today"])
def test_a_list_of_runs_needs_no_torch(version, tmp_path):
    make_run(tmp_path / "disent" / "1")
    root = EARLIER if version == "earlier" else tmp_path
    program = (
        "import sys; from disentgen.__main__ import main; "
        f"main([{str(root)!r}]); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_parameters_that_labels_go_on_with_are_read_without_importing():
    constants = read_constants("disentgen.training.losses", "name", "named_by")
    named_by = {one["name"]: one.get("named_by") for one in constants if "name" in one}
    assert named_by.items() >= {name: kind.named_by for name, kind in losses().items()}.items()


@pytest.mark.filterwarnings("error")
def test_seeds_and_variants_are_shown_as_they_are_beside_damaged_runs(tmp_path, capsys):
    for name, seed in (("1", 12), ("2", 13)):
        make_run(tmp_path / "disent" / name, seed=seed)
    (tmp_path / "disent" / "3").mkdir()
    (tmp_path / "disent" / "3" / "config.json").write_text("{")
    saved = json.loads((tmp_path / "disent" / "2" / "config.json").read_text())
    saved["dataset"] |= {"variant": None, "held_out": "shape == 1"}
    (tmp_path / "disent" / "2" / "config.json").write_text(json.dumps(saved))
    command.main([str(tmp_path)])
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == 3
    assert " 12 " in rows[0] and "shape2tx" in rows[0]
    assert " 13 " in rows[1] and "shape == 1" in rows[1]
    assert "12.0" not in rows[0]
