"""What all experiments share: from a command line by way of Sacred to a training that is kept."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import colorama
from sacred import SETTINGS, Experiment
from sacred.config import load_config_file
from sacred.run import Run as SacredRun
from sacred.utils import convert_to_nested_dict

from disentgen.errors import UsageError
from disentgen.paths import data_folder
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run
from disentgen.schema import defaults, merge
from disentgen.training.baseline import list_lacking
from disentgen.training.config import Config
from disentgen.training.sections import SECTIONS
from disentgen.training.settings import ProcessSettings
from experiments.checks import (
    check_choices,
    check_keys,
    check_kind,
    check_named_configs,
    check_words,
)
from experiments.interrupts import interrupt_on_signals
from experiments.resume import check_continued, find_run
from ingredients.connections import take_options
from ingredients.entering import arrange_observers, enter, enter_new
from ingredients.errors import plain_errors
from ingredients.observers import RunFolderObserver, check_writable
from ingredients.section import Section

# Configurations stay plain dictionaries and lists; progress bars, which write to the terminal
# itself, stay out of the captured output.
SETTINGS.CONFIG.READ_ONLY_CONFIG = False
SETTINGS.CAPTURE_MODE = "sys"

HEARTBEAT_SECONDS = "2"


class TrainingExperiment(Experiment):
    """A Sacred experiment whose runs are trainings.

    Sacred composes a configuration; :class:`Config` reads it once, when it is whole, and what was
    read is what is kept, shown and trained.

    Args:
        name: of the experiment, and of the folder of its runs.
        family: of the models that it trains.
        sections: its ingredients.
    """

    path: str
    config_read: Config
    _folder: RunFolderObserver | None = None
    resumed: Run | None = None
    #: Whether a command line is being run. Its errors end the process with a line, and must do so
    #: inside :meth:`run`, since Sacred answers any exception that leaves it with a traceback.
    by_command_line: bool = False

    def __init__(self, name: str, family: str, sections: Sequence[Section]):
        super().__init__(name, ingredients=sections, save_git_info=git_state_is_readable())
        self.family = family
        self.add_config({**defaults(ProcessSettings)})

        @self.config_hook
        def read(config: dict[str, Any], command_name: str, logger: object) -> dict[str, Any]:
            return self._read_config(config, complete=command_name == self.default_command)

        @self.main
        def main(_run: SacredRun) -> float | None:
            """Train a model, score it on every side, and draw what it makes."""
            return self._train(_run)

    def _read_config(self, config: dict[str, Any], complete: bool) -> dict[str, Any]:
        """Read what Sacred has composed; its seed comes from here, before it draws one itself."""
        check_keys(config)
        check_kind(config, self.path, self.family)
        if complete:
            check_choices(config, self._sections())
        self.config_read = Config.read({**config, "experiment": self.path}, complete=False)
        if complete:
            if self.resumed is not None:
                check_continued(self.resumed, self.config_read)
            self.config_read.check_whole()
        return {"seed": self.config_read.seed}

    def _create_run(self, *args: Any, **options: Any) -> SacredRun:
        run = super()._create_run(*args, **options)
        run.config = self.config_read.plain()
        if self._folder is not None and not run.unobserved:
            databases = arrange_observers(run, self._folder, self._databases)
            if databases and self.resumed is not None:
                enter(run, self.resumed.path, databases)
            elif databases:
                enter_new(run, self._folder, databases)
        return run

    def _train(self, run: SacredRun) -> float | None:
        from disentgen.analysis.figures.examples import save_examples
        from disentgen.runs import view_training
        from disentgen.training.run import train

        directory = RunDirectory(self._folder_of(run))
        with directory.held():
            training = train(self.config_read, directory, run)
            for path in save_examples(view_training(training, directory)):
                print(f"picture: {path}")
        scored = training.results["scores"]
        return (scored["held_out"] or scored["validation"])["nll"]

    def run(
        self,
        command_name: str | None = None,
        config_updates: dict[str, Any] | None = None,
        named_configs: Sequence[str] = (),
        info: dict[str, Any] | None = None,
        meta_info: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> SacredRun:
        """Run a command; see :meth:`sacred.Experiment.run`.

        The update ``resume=<id or path>`` goes on with an interrupted run in its own folder.

        Args:
            command_name: by default the training.
            config_updates: settings, nested or with dots.
            named_configs: names of named configurations, or files of settings.
            info: that Sacred keeps with the run.
            meta_info: likewise.
            options: of Sacred's command line, such as ``{"--id": "first"}``.

        Raises:
            UsageError, DataFileError, DivergenceError: from Python; a command line ends with a
                line in their place.
        """
        guard = plain_errors() if self.by_command_line else contextlib.nullcontext()
        with guard:
            updates, given = self._compose(
                command_name, config_updates or {}, named_configs, options or {}
            )
            return super().run(command_name, updates, named_configs, info, meta_info, given)

    def _compose(
        self,
        command_name: str | None,
        updates: Mapping[str, Any],
        named_configs: Sequence[str],
        given: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Updates and options as Sacred is to have them, and the folder that the run is kept in."""
        options = {"--beat-interval": HEARTBEAT_SECONDS, **_given(given)}
        # The library checks every key and type; Sacred's own check would only repeat it, less well.
        options["--force"] = True
        nested: dict[str, Any] = convert_to_nested_dict(dict(updates))
        resume = nested.pop("resume", None)
        self.resumed = None
        check_named_configs(named_configs, self._list_named_configs(), self._sections())
        folder = Path(options.pop("--file_storage", None) or data_folder() / "sims" / self.path)
        if resume is not None:
            self.resumed = self._find_resumed(folder, str(resume), named_configs)
            folder, options["--id"] = self.resumed.path.parent, self.resumed.id
            if comment := self.resumed.record.comment:
                options.setdefault("--comment", comment)
            nested = merge(self.resumed.config, nested)
        else:
            nested = merge(self._list_lacking(named_configs), nested)
            if command_name in (None, self.default_command):
                if "--unobserved" in options:
                    raise UsageError("a training needs its folder: leave --unobserved away.")
                check_writable(folder, options.get("--id"))
        self._observe(RunFolderObserver(folder, goes_on=resume is not None), options)
        return nested, options

    def run_commandline(self, argv: Any = None) -> SacredRun | None:
        """Run the command line; end with status 130 or 128 + signal when interrupted."""
        with plain_errors():
            check_words(sys.argv if argv is None else argv, self.path, self._list_named_configs())
        self.by_command_line = True
        colorama.init()  # strips colours where the output is not a terminal
        interrupt_on_signals()
        try:
            return super().run_commandline(argv)
        except KeyboardInterrupt as interrupt:
            run = self.current_run
            if run is not None and run._id is not None:
                resume = shlex.quote(f"resume={self._folder_of(run)}")
                print(
                    f"interrupted; go on with: python -m experiments.{self.path} with {resume}",
                    flush=True,
                )
            raise SystemExit(128 + getattr(interrupt, "number", signal.SIGINT)) from None
        finally:
            self.by_command_line = False

    def _find_resumed(self, folder: Path, given: str, named_configs: Sequence[str]) -> Run:
        """The run that is to go on."""
        if named_configs:
            raise UsageError(
                "a run goes on under its own configuration: resume takes no named configs "
                f"({', '.join(named_configs)})."
            )
        return find_run(folder, given, self.path)

    def _list_lacking(self, named_configs: Sequence[str]) -> dict[str, Any]:
        """What configurations that runs have saved mean by the keys that they lack."""
        lacking: dict[str, Any] = {}
        for saved in map(load_config_file, filter(os.path.isfile, named_configs)):
            if set(SECTIONS) <= set(saved):
                lacking |= list_lacking(saved, self.family)
        return lacking

    def _observe(self, folder: RunFolderObserver, options: dict[str, Any]) -> None:
        """Keep the next run in its folder, beside whatever observers a user has added.

        Args:
            folder: keeps it.
            options: of the command line; those for databases are taken off.
        """
        others = [own for own in self.observers if own is not self._folder]
        self._folder, self._databases = folder, take_options(options)
        self.observers = [*others, folder]

    def _folder_of(self, run: SacredRun) -> Path:
        observers = [o for o in run.observers if isinstance(o, RunFolderObserver)]
        return Path(str(observers[0].dir)).absolute()

    def _list_named_configs(self) -> list[str]:
        return [name for name, _ in self.gather_named_configs()]

    def _sections(self) -> list[Section]:
        return [section for section in self.ingredients if isinstance(section, Section)]


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, False)}


def git_state_is_readable() -> bool:
    """Sacred stops where it cannot read the repository: without git, or before a first commit."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
