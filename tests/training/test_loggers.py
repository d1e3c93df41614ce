"""Curves beside a run's own files: the same however often the run goes on, and never in its way."""

import json

import pytest

from conftest import FAST
from disentgen.errors import UsageError
from disentgen.schema import check
from disentgen.training import loggers
from disentgen.training.config import Config
from disentgen.training.loggers import check_loggers, open_loggers, recall_id, split_words
from disentgen.training.settings import TrainingSettings

FAKE = """
from disentgen.training.loggers import Logger

class Sink:
    def __init__(self, folder, settings):
        self.file = (folder / "curve.txt").open("a", buffering=1)
        print(settings, file=self.file)

    def log(self, name, value, step):
        if value < 0:
            raise OSError("disk full")
        print(name, value, step, file=self.file)

    def close(self, completed):
        print("completed", completed, file=self.file)

LOGGER = Logger("json", "fake", Sink)
"""


@pytest.mark.parametrize(
    "given", ["[tensorboard,wandb]", "[tensorboard, wandb]", "tensorboard,wandb",
              ["tensorboard", "wandb"], ("tensorboard", "wandb")],
)  # fmt: skip
def test_names_are_a_list_however_they_are_written(given):
    read = check("training", TrainingSettings, {"loggers": given})["loggers"]
    assert read == ("tensorboard", "wandb")
    assert split_words("[]") == []


def test_what_is_no_list_of_names_is_refused():
    with pytest.raises(UsageError, match=r"training\.loggers"):
        check("training", TrainingSettings, {"loggers": 3})


def test_loggers_are_checked_before_any_work(monkeypatch):
    with pytest.raises(UsageError, match=r"unknown logger .*Did you mean 'tensorboard'"):
        check_loggers(["tensorbord"])
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs wandb, .*pip install 'disent-and-gen\[wandb\]'"):
        check_loggers(["wandb"])


def test_a_run_whose_loggers_are_not_there_can_be_read(monkeypatch):
    saved = {"model": {"family": "lgm"}, "training": {"loggers": ["gone"]}}
    assert Config.read_saved(saved).training.loggers == ("gone",)


def test_a_module_is_a_logger_and_a_failing_one_is_in_nobodys_way(add_module, tmp_path, capsys):
    add_module(loggers, "fake", FAKE)
    check_loggers(["fake"])
    with open_loggers(["fake", "fake"], tmp_path, {"seed": 1}) as opened:
        (logger,) = opened
        for value in (1.0, 2.0, -1.0, 3.0):
            logger.log_scalar("nll", value, 5)
    lines = (tmp_path / "curve.txt").read_text().splitlines()
    assert lines == ["{'seed': 1}", "nll 1.0 5", "nll 2.0 5"]
    assert "warning: fake does not receive this run" in capsys.readouterr().err


def test_a_logger_is_told_how_a_training_ended(add_module, tmp_path):
    add_module(loggers, "fake", FAKE)
    with open_loggers(["fake"], tmp_path, {}):
        pass
    with pytest.raises(KeyboardInterrupt), open_loggers(["fake"], tmp_path, {}):
        raise KeyboardInterrupt
    lines = (tmp_path / "curve.txt").read_text().splitlines()
    assert lines == ["{}", "completed True", "{}", "completed False"]


def test_only_the_links_of_a_logger_itself_are_removed(add_module, tmp_path, capsys):
    """W&B links to a log in the user's cache; what else leads out is refused, and stays."""
    tidy = FAKE.replace("Sink)", "Sink, remove_core_links)")
    source = "from disentgen.training.loggers.wandb import remove_core_links\n" + tidy
    add_module(loggers, "fake", source)
    (outside := tmp_path / "outside").mkdir()
    (outside / "debug-core.log").write_text("kept")
    (logs := tmp_path / "1" / "fake" / "logs").mkdir(parents=True)
    (logs / "debug-core.log").symlink_to(outside / "debug-core.log")
    with open_loggers(["fake"], tmp_path / "1", {}):
        pass
    assert list(logs.iterdir()) == [] and capsys.readouterr().err == ""
    (logs / "away").symlink_to(outside)
    with open_loggers(["fake"], tmp_path / "1", {}):
        pass
    assert "logs/away leads out of" in capsys.readouterr().err
    assert (outside / "debug-core.log").read_text() == "kept"


def test_a_damaged_file_of_ids_is_as_none(tmp_path):
    assert recall_id(tmp_path, "wandb") is None
    (tmp_path / "loggers.json").write_text("[1")
    assert recall_id(tmp_path, "wandb") is None


def read_tensorboard(folder):
    """Steps of the validation NLL, as TensorBoard shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [event.step for event in events.Scalars("validation/nll")]


def read_mlflow(folder):
    """Likewise, of the one run in MLflow's store; its parameters and its status."""
    from mlflow import MlflowClient

    client = MlflowClient((folder / "mlflow").as_uri())
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    history = client.get_metric_history(run.info.run_id, "validation.nll")
    return [one.step for one in history], run.data.params, run.info.status


@pytest.mark.ci
def test_curves_go_on_where_they_were(disent, data, monkeypatch):
    for package in ("tensorboard", "wandb", "mlflow"):
        pytest.importorskip(package)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    folder = data / "sims" / "disent" / "1"
    chosen = "training.loggers=[tensorboard,wandb,mlflow]"
    # Long enough for all three to open, which takes seconds.
    done = disent("with", *FAST, "training.epoch_length=200", chosen)
    known = json.loads((folder / "loggers.json").read_text())
    assert read_tensorboard(folder) == [1, 2] and "does not receive" not in done.stderr
    disent("with", "resume=1", "training.epochs=4")
    assert json.loads((folder / "loggers.json").read_text()) == known
    assert read_tensorboard(folder) == [1, 2, 3, 4]
    steps, params, status = read_mlflow(folder)
    assert (steps, status) == ([1, 2, 3, 4], "FINISHED") and params["training.loss.name"] == "vae"
    runs = list((folder / "wandb").glob("offline-run-*"))
    assert len(runs) == 2 and all(path.name.endswith(known["wandb"]) for path in runs)
