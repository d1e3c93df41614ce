"""Where Sacred keeps a run: its own folder below ``data/sims/<experiment>``."""

from pathlib import Path
from typing import Any

from sacred.observers import FileStorageObserver
from sacred.serializer import flatten

import json

from disentgen.errors import DataFileError
from disentgen.paths import write_whole


class RunFolderObserver(FileStorageObserver):
    """Sacred's file observer, with files that are always whole, and runs that can go on.

    Args:
        basedir: the folder of an experiment's runs.
        goes_on: the run's folder is there already, and is to be continued.
    """

    def __init__(self, basedir: Path, goes_on: bool = False):
        super().__init__(basedir)
        self.goes_on = goes_on

    def _make_run_dir(self, _id: str | None) -> None:
        if self.goes_on:
            self.dir = str(Path(self.basedir) / str(_id))
            # All epochs so far are logged anew.
            (Path(self.dir) / "metrics.json").unlink(missing_ok=True)
            return
        try:
            super()._make_run_dir(_id)
        except FileExistsError as error:
            raise DataFileError(f"there already is a run, or a file, at {error.filename}.") from None
        except OSError as error:
            raise DataFileError(
                f"cannot write runs to {self.basedir}: {error.strerror}. Another folder can be "
                "chosen with the environment variable DISENTGEN_DATA."
            ) from error

    def save_json(self, obj: Any, filename: str) -> None:
        text = json.dumps(flatten(obj), sort_keys=True, indent=2)
        write_whole(Path(self.dir) / filename, lambda file: file.write_text(text))
