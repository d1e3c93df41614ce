"""What all experiments share: reading the command line, keeping a run, explaining errors."""

import ast
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
from disentgen.registry import unknown
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run
from disentgen.schema import defaults, merge
from disentgen.training.baseline import list_lacking
from disentgen.training.config import Config
from disentgen.training.sections import KEYS, SECTIONS, check_sections
from disentgen.training.settings import ProcessSettings
from experiments.resume import check_continued, find_run
from ingredients.errors import plain_errors
from ingredients.observers import RunFolderObserver, check_writable
from ingredients.section import Section

# Configurations stay plain dictionaries and lists; progress bars, which write to the terminal
# itself, stay out of the captured output.
SETTINGS.CONFIG.READ_ONLY_CONFIG = False
SETTINGS.CAPTURE_MODE = "sys"

HEARTBEAT_SECONDS = "2"


class Terminated(KeyboardInterrupt):
    """A signal asked the process to end."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


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
        self._check_keys(config)
        self._check_kind(config)
        if complete:
            self._check_choices(config)
        self.config_read = Config.read({**config, "experiment": self.path}, complete=False)
        if complete:
            if self.resumed is not None:
                check_continued(self.resumed, self.config_read)
            self.config_read.check_whole()
        return {"seed": self.config_read.seed}

    def _create_run(self, *args: Any, **options: Any) -> SacredRun:
        run = super()._create_run(*args, **options)
        run.config = self.config_read.plain()
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
        self._check_named_configs(named_configs)
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
        self._observe(RunFolderObserver(folder, goes_on=resume is not None))
        return nested, options

    def run_commandline(self, argv: Any = None) -> SacredRun | None:
        """Run the command line; end with status 130 or 128 + signal when interrupted."""
        self._check_with(sys.argv if argv is None else argv)
        self.by_command_line = True
        colorama.init()  # strips colours where the output is not a terminal
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
                signal.signal(number, _terminate)
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

    def _observe(self, folder: RunFolderObserver) -> None:
        """Keep the next run in its folder, beside whatever observers a user has added."""
        others = [own for own in self.observers if not isinstance(own, RunFolderObserver)]
        self.observers = [*others, folder]

    def _folder_of(self, run: SacredRun) -> Path:
        observers = [o for o in run.observers if isinstance(o, RunFolderObserver)]
        return Path(str(observers[0].dir)).absolute()

    def _sections(self) -> list[Section]:
        return [section for section in self.ingredients if isinstance(section, Section)]

    def _check_keys(self, config: Mapping[str, Any]) -> None:
        for key in config:
            if key not in (*KEYS, "resume"):
                raise unknown("configuration key", key, (*KEYS, "resume"))
        check_sections(config)

    def _check_kind(self, config: Mapping[str, Any]) -> None:
        """Check that a saved configuration, where one was given, is of this experiment."""
        experiment = config.get("experiment") or self.path
        family = config["model"].get("family")
        if experiment != self.path or family != self.family:
            other = experiment if experiment != self.path else f"models of family '{family}'"
            raise UsageError(
                f"experiments.{self.path} trains models of family '{self.family}'; this is a "
                f"configuration of {other}."
            )

    def _check_choices(self, config: Mapping[str, Any]) -> None:
        for section in self._sections():
            if section.required and config[section.path].get(section.required) is None:
                raise UsageError(
                    f"no {section.path} is named; accepted: {', '.join(section.choices)}. "
                    f"Add for example 'with {section.path}.{section.choices[0]}'."
                )

    def _check_with(self, words: Sequence[str]) -> None:
        known = [name for name, _ in self.gather_named_configs()]
        before = words[1 : words.index("with") if "with" in words else None]
        loose = [
            word for word in before
            if not word.startswith("-") and ("=" in word or word in known)
        ]  # fmt: skip
        with plain_errors():
            if loose:
                raise UsageError(
                    "settings stand after 'with': "
                    f"python -m experiments.{self.path} with {shlex.join(loose)}"
                )
            for word in words:
                _check_depth(word)

    def _check_named_configs(self, named_configs: Sequence[str]) -> None:
        known = [name for name, _ in self.gather_named_configs()]
        files = [name for name in named_configs if name not in known and Path(name).is_file()]
        for name in named_configs:
            if name not in known and name not in files:
                path = name.partition(".")[0]
                beside = [other for other in known if other.startswith(f"{path}.")]
                raise unknown("named config", name, beside or known)
        for section in self._sections():
            taken = section.find_choices(named_configs)
            taken += [name for name in files if section.is_chosen_in(load_config_file(name))]
            if len(taken) > 1:
                raise UsageError(
                    f"{' and '.join(taken)} exclude each other; they would be mixed. Give one."
                )


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, False)}


def _check_depth(word: str) -> None:
    """Check that a word can be parsed as Python, as Sacred does, if it is meant to be."""
    key, _, value = word.partition("=")
    try:
        ast.literal_eval(value)
    except (RecursionError, MemoryError):
        raise UsageError(
            f"{key}: a value of {len(value):,} characters, nested too deeply."
        ) from None
    except (ValueError, SyntaxError, TypeError):
        pass  # no Python literal: Sacred takes it as text


def _terminate(number: int, frame: object) -> None:
    raise Terminated(number)


def git_state_is_readable() -> bool:
    """Sacred stops where it cannot read the repository: without git, or before a first commit."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
