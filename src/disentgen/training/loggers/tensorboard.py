"""TensorBoard's event files in the folder ``tensorboard`` of a run."""

from pathlib import Path
from typing import Any

from disentgen.training.loggers import Logger


class Events:
    """Curves of one training.

    A run that goes on hands over all its epochs anew, and what was there before them is purged.

    Args:
        folder: of the run.
        settings: of the run by key with dots.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]):
        from ignite.handlers import TensorboardLogger

        path = folder / "tensorboard"
        self.logger = TensorboardLogger(log_dir=path, purge_step=0 if path.exists() else None)
        rows = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
        self.logger.add_text("settings", f"| setting | value |\n|---|---|\n{rows}", 0)

    def log(self, name: str, value: float, step: int) -> None:
        """Keep a value; ``train.nll`` stands in the group ``train``.

        Args:
            name: of a column of the history.
            value: of that column.
            step: the epoch.
        """
        self.logger.add_scalar(name.replace(".", "/", 1), value, step)
        self.logger.flush()

    def close(self, completed: bool) -> None:
        """Write the files.

        Args:
            completed: of no account here.
        """
        self.logger.close()


LOGGER = Logger("tensorboard", "tensorboard", Events)
