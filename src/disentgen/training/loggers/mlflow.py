"""MLflow: a run in the store ``mlflow`` of a run's folder, or where MLFLOW_TRACKING_URI says."""

import os
from pathlib import Path
from typing import Any

from disentgen.training.loggers import Logger, recall_id, remember_id


class StoredRun:
    """Curves of one training, under one id however often the run goes on.

    Args:
        folder: of the run.
        settings: of the run by key with dots.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        import mlflow
        from ignite.handlers import MLflowLogger

        # The files of a store inside a folder are all that a run needs, whatever MLflow prefers.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        uri = os.environ.get("MLFLOW_TRACKING_URI") or (folder / "mlflow").absolute().as_uri()
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(folder.parent.name)
        run = mlflow.start_run(
            recall_id(folder, "mlflow"), run_name=folder.name, log_system_metrics=False
        )
        self.run_id = run.info.run_id
        remember_id(folder, "mlflow", self.run_id)
        self.logger = MLflowLogger(uri)
        new = {key: value for key, value in settings.items() if key not in run.data.params}
        self.logger.log_params(new)
        self.steps = {name: self._list_steps(name) for name in run.data.metrics}

    def _list_steps(self, name: str) -> set[int]:
        from mlflow import MlflowClient

        return {kept.step for kept in MlflowClient().get_metric_history(self.run_id, name)}

    def log(self, name: str, value: float, step: int) -> None:
        """Keep a value, if the store has none of that name and step.

        Args:
            name: of a column of the history.
            value: of that column.
            step: the epoch.
        """
        if step not in self.steps.setdefault(name, set()):
            self.logger.log_metric(name, value, step=step)
            self.steps[name].add(step)

    def close(self, completed: bool) -> None:
        """End the run.

        Args:
            completed: whether the training has; another start goes on with one that was killed.
        """
        import mlflow

        mlflow.end_run("FINISHED" if completed else "KILLED")


LOGGER = Logger("mlflow", "mlflow", StoredRun)
