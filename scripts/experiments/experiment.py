"""What all experiments share: from a command line by way of Sacred to a training that is kept."""

import contextlib
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import colorama

from disentgen.command_line import plain_errors
from disentgen.dataset.originals.find import check_root
from disentgen.errors import UsageError, warn_on_failure
from disentgen.paths import data_folder, expand
from disentgen.plain_settings import nest
from disentgen.provenance import has_commit
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run, open_run
from disentgen.schema import defaults, merge
from disentgen.streams import protect_streams, warn_of_lost_output
from disentgen.text import make_visible
from disentgen.training.config import Config
from disentgen.training.settings import ProcessSettings
from experiments.checks import check_choices, check_keys, check_kind
from experiments.claims import Request
from experiments.given import call_command, read_named_configs
from experiments.keeping import Keeper
from experiments.options import check_clean, check_options
from experiments.resume import check_continued, describe_resume, locate_resumed
from ingredients.connections import take_options
from ingredients.observers import RunFolderObserver, check_writable
from ingredients.section import Section
from interrupts import ignore_signals, interrupt_on_signals
from sacred_compat import SETTINGS, Experiment
from sacred_compat import Run as SacredRun

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
    #: The run that ``resume`` names, if it names one.
    resumed: Run | None = None
    #: Where the last run is kept.
    keeper: Keeper | None = None
    #: Whether a seed was given, or drawn.
    seed_is_given: bool = False
    #: Whether a command line is being run. Its errors end the process with a line, and must do so
    #: inside :meth:`run`, since Sacred answers any exception that leaves it with a traceback.
    by_command_line: bool = False
    #: Whether a run is refused where the repository has changes.
    must_be_clean: bool = False

    def __init__(self, name: str, family: str, sections: Sequence[Section]):
        # Sacred stops where it cannot read the repository: without git, or before a first commit.
        super().__init__(
            name, ingredients=sections, save_git_info=has_commit(Path(__file__).parent)
        )
        self.family = family
        self.add_config({**defaults(ProcessSettings)})

        @self.config_hook
        def read(config: dict[str, Any], command_name: str, logger: object) -> dict[str, Any]:
            return self._read_config(config, complete=command_name == self.default_command)

        @self.command(unobserved=True)
        def print_named_configs() -> None:
            """Print the names of all named configurations."""
            print("\n".join(section.describe_named_configs() for section in self.sections))

        @self.main
        def main(_run: SacredRun) -> float | None:
            """Train a model, score it on every side, and draw what it makes."""
            return self._train(_run)

    def _read_config(self, config: dict[str, Any], complete: bool) -> dict[str, Any]:
        """Read what Sacred has composed; its seed comes from here, before it draws one itself."""
        check_kind(config, self.path, self.family)
        if complete:
            check_choices(config, self.sections)
        self.seed_is_given = config.get("seed") is not None
        self.config_read = Config.read({**config, "experiment": self.path}, complete=False)
        if complete:
            if self.resumed is None:
                check_root(self.config_read.dataset["root"])
            else:
                check_continued(self.resumed, self.config_read)
            self.config_read.check_whole()
        return {"seed": self.config_read.seed}

    def _create_run(self, command_name: str | None = None, *args: Any, **kw: Any) -> SacredRun:
        run = super()._create_run(command_name, *args, **kw)
        if self.must_be_clean:
            check_clean(run)
        run.config = self.config_read.plain()
        if self.keeper is not None and command_name in (None, self.default_command):
            config = self.keeper.claim_folder(run, self.config_read, self.seed_is_given)
            self.config_read = config or self.config_read
        return run

    def _train(self, run: SacredRun) -> float | None:
        from disentgen.runs import view_training
        from disentgen.training.run import train_held

        assert self.keeper is not None and self.keeper.claim is not None
        self.keeper.claim.end_choice()
        directory = self.keeper.claim.directory
        try:
            training = train_held(self.config_read, directory, run)
            with warn_on_failure("pictures of the run are missing"):
                directory.check()
                from disentgen.analysis.figures.examples import save_examples

                for path in save_examples(view_training(training, directory)):
                    print(f"picture: {make_visible(path)}")
        finally:
            if self.by_command_line:
                ignore_signals()  # how the run ends is clear: its last files are written
        scores = training.results["scores"]
        known = (scores[side]["nll"] for side in ("held_out", "validation") if scores[side])
        return next(known, None)

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

        The update ``resume=<id or path>`` goes on with an interrupted run in its own folder;
        ``resume=auto`` with the newest run of this configuration, if there is one; the option
        ``--id`` with the run of that folder, if it is there. What is complete is left as it is.

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
            try:
                updates, given = self._compose(
                    command_name, config_updates or {}, named_configs, options or {}
                )
                meta = {**(meta_info or {}), "named_configs": list(named_configs)}
                run = self._create_run(command_name, updates, (), info, meta, given)
                if command_name not in (None, self.default_command):
                    run()
                elif self.keeper is not None and self.keeper.claim is not None:
                    run()
                    self.keeper.observer.check()
                return run
            finally:
                if self.keeper is not None:
                    self.keeper.release(self.current_run)

    def _compose(
        self,
        command_name: str | None,
        updates: Mapping[str, Any],
        named_configs: Sequence[str],
        given: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Updates and options as Sacred is to have them, and the folder that the run is kept in."""
        check_options(given, self.get_default_options())
        options = {"--beat-interval": HEARTBEAT_SECONDS, **_given(given)}
        # The library checks every key and type; Sacred's own check would only repeat it, less well.
        options["--force"] = True
        self.must_be_clean = bool(options.pop("--enforce_clean", False))
        configs = dict(self.gather_named_configs())
        named = read_named_configs(named_configs, configs, self.sections, self.family)
        typed = nest(updates)
        resume = typed.pop("resume", None)
        nested = merge(named, typed)
        check_keys(nested)
        trains = command_name in (None, self.default_command)
        if trains and "--unobserved" in options:
            raise UsageError("a training needs its folder: leave --unobserved away.")
        keeper = self._observe(options, nested, resume == "auto")
        self.resumed = None
        if resume not in (None, "auto"):
            path = locate_resumed(keeper.request.folder, str(resume), self.path, named_configs)
            if trains:
                keeper.claim_run(path)  # before its state is read
            self.resumed = open_run(path)
            nested = merge(self.resumed.config, nested)
        elif trains:
            check_writable(keeper.request.folder)
        return nested, options

    def run_commandline(self, argv: Any = None) -> SacredRun | None:
        """Run the command line; end with status 130 or 128 + signal when interrupted."""
        protect_streams()
        self.by_command_line = True
        colorama.init()  # strips colours where the output is not a terminal
        interrupt_on_signals()
        try:
            with plain_errors():
                return call_command(self, (sys.argv if argv is None else argv)[1:])
        except KeyboardInterrupt as interrupt:
            ignore_signals()
            if self.keeper is not None and (kept := self.keeper.kept) is not None:
                saved = RunDirectory(kept).has_saved
                what = "go on" if saved else "nothing was saved; start again"
                print(f"interrupted; {what} with: {describe_resume(self.path, kept)}", flush=True)
            raise SystemExit(128 + getattr(interrupt, "number", signal.SIGINT)) from None
        finally:
            self.by_command_line = False
            warn_of_lost_output()

    def _observe(self, options: dict[str, Any], given: Mapping[str, Any], auto: bool) -> Keeper:
        """Keep the next run where its options say, beside whatever observers a user has added.

        Args:
            options: of the command line; those that say where are taken off.
            given: settings of the command line.
            auto: whether it is to go on with a run of the same configuration.
        """
        folder = expand(options.pop("--file_storage", None) or data_folder() / "sims" / self.path)
        request = Request(folder, given, options.pop("--id", None), auto)
        keeper = Keeper(request, RunFolderObserver(folder), take_options(options))
        last = None if self.keeper is None else self.keeper.observer
        self.observers = [own for own in self.observers if own is not last] + [keeper.observer]
        self.keeper = keeper
        return keeper

    @property
    def sections(self) -> list[Section]:
        """The ingredients that are sections of the configuration."""
        return [section for section in self.ingredients if isinstance(section, Section)]


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, False)}
