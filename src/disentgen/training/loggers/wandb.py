"""Weights & Biases: a run in the folder ``wandb`` of a run, offline unless WANDB_MODE is set.

``wandb sync`` sends the newest folder there, which holds all epochs.
"""

import os
import secrets
from pathlib import Path
from typing import Any

from disentgen.training.loggers import Logger, recall_id, remember_id


class OfflineRun:
    """Curves of one training, under one id however often the run goes on.

    Args:
        folder: of the run.
        settings: of the run by key with dots.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        import wandb
        from ignite.handlers import WandBLogger

        run_id = recall_id(folder, "wandb") or secrets.token_hex(4)
        remember_id(folder, "wandb", run_id)
        self.logger = WandBLogger(
            dir=folder,
            id=run_id,
            resume="allow",
            mode=os.environ.get("WANDB_MODE", "offline"),
            project=os.environ.get("WANDB_PROJECT", "disent-and-gen"),
            name=f"{folder.parent.name}/{folder.name}",
            config=settings,
            settings=wandb.Settings(silent=True, console="off", init_timeout=30),
        )

    def log(self, name: str, value: float, step: int) -> None:
        """Keep a value; of those of one step W&B makes one row."""
        self.logger.log({name: value}, step=step)

    def close(self) -> None:
        """Write the run."""
        self.logger.close()


LOGGER = Logger("wandb", "wandb", OfflineRun)
