"""Weights & Biases: a run in the folder ``wandb`` of a run, offline unless WANDB_MODE is set.

``wandb sync`` sends the newest folder there, which holds all epochs.
"""

import atexit
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from functools import partial
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

        self.hooks: list[Callable[[], object]] = []
        run_id = recall_id(folder, "wandb") or secrets.token_hex(4)
        remember_id(folder, "wandb", run_id)
        with hooks_taken("wandb", self.hooks):
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
        """Keep a value; of those of one step W&B makes one row.

        Args:
            name: of a column of the history.
            value: of that column.
            step: the epoch.
        """
        self.logger.log({name: value}, step=step)

    def close(self, completed: bool) -> None:
        """Write the run, and end the process that writes it.

        Args:
            completed: whether the training has come to its end; otherwise W&B shows a failure.
        """
        import wandb

        wandb.finish(exit_code=0 if completed else 1)
        for hook in reversed(self.hooks):
            hook()


@contextlib.contextmanager
def hooks_taken(package: str, hooks: list[Callable[[], object]]) -> Iterator[None]:
    """Take what a package would have called when this process ends, where it could wait for ever.

    Args:
        package: its name.
        hooks: that the functions are added to.
    """
    register = atexit.register

    def take(function: Callable[..., Any], *args: Any, **options: Any) -> Callable[..., Any]:
        if str(getattr(function, "__module__", "")).partition(".")[0] == package:
            hooks.append(partial(function, *args, **options))
            return function
        return register(function, *args, **options)

    atexit.register = take  # type: ignore[assignment]
    try:
        yield
    finally:
        atexit.register = register


def remove_core_links(folder: Path) -> None:
    """Remove the links by which W&B shows its service's log, a file of the user's cache.

    Args:
        folder: ``wandb`` of a run.
    """
    for path in folder.rglob("debug-core.log"):
        if path.is_symlink():
            path.unlink()


LOGGER = Logger("wandb", "wandb", OfflineRun, tidy=remove_core_links)
