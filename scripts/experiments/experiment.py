"""What all experiments share: from a command line by way of Sacred to a training that is kept."""

import contextlib
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import colorama

from disentgen.command_line import plain_errors
from disentgen.provenance import has_commit
from disentgen.schema import defaults
from disentgen.streams import protect_streams, warn_of_lost_output
from experiments.given import call_command
from ingredients.section import Defaults, Section
from interrupts import ignore_signals, interrupt_on_signals
from sacred_compat import (
    SETTINGS,
    Experiment,
    cli_option,
    gather_sources_and_dependencies,
    without_host_info,
)
from sacred_compat import Run as SacredRun

if TYPE_CHECKING:
    from disentgen.training.config import Config
    from experiments.call import Call

# Configurations stay plain dictionaries and lists; progress bars, which write to the terminal
# itself, stay out of the captured output.
SETTINGS.CONFIG.READ_ONLY_CONFIG = False
SETTINGS.CAPTURE_MODE = "sys"


@cli_option("-X", "--plugin")
def plugin_option(args: Any, run: SacredRun) -> None:
    """Use a package or module of yours (a name, or a path); may be given several times."""


class TrainingExperiment(Experiment):
    """A Sacred experiment whose runs are trainings.

    It describes commands, options and named configurations, of which the help is made; what a
    command does is imported when it is called.

    Args:
        name: of the experiment, and of the folder of its runs.
        family: of the models that it trains.
        sections: its ingredients.
    """

    path: str
    #: The last call of a command.
    call: "Call | None" = None
    #: Whether a command line is being run. Its errors end the process with a line, and must do so
    #: inside :meth:`run`, since Sacred answers any exception that leaves it with a traceback.
    by_command_line: bool = False
    #: Whether sources are listed that are imported when a command is called.
    has_all_sources: bool = False

    def __init__(self, name: str, family: str, sections: Sequence[Section]):
        # Sacred stops where it cannot read the repository: without git, or before a first commit.
        super().__init__(
            name,
            ingredients=sections,
            save_git_info=has_commit(Path(__file__).parent),
            additional_cli_options=[plugin_option],
        )
        self.family = family
        self.configurations.append(Defaults(read_process_defaults))

        @self.config_hook
        def read(config: dict[str, Any], command_name: str, logger: object) -> dict[str, Any]:
            return self.called.read_config(config)

        @self.command(unobserved=True)
        def print_named_configs() -> None:
            """Print the names of all named configurations."""
            print("\n".join(section.describe_named_configs() for section in self.sections))

        @self.main
        def main(_run: SacredRun) -> float | None:
            """Train a model, score it on every side, and draw what it makes."""
            return self.called.train(_run)

    @property
    def called(self) -> "Call":
        """The last call of a command; there is one."""
        assert self.call is not None
        return self.call

    @property
    def config_read(self) -> "Config":
        """The configuration of the last call, as it was read."""
        return self.called.config

    @property
    def sections(self) -> list[Section]:
        """The ingredients that are sections of the configuration."""
        return [section for section in self.ingredients if isinstance(section, Section)]

    def gather_named_configs(self) -> Generator[tuple[str, Any], None, None]:
        """All named configurations by name, those of plugins among them."""
        for section in self.sections:
            section.add_choices()
        yield from super().gather_named_configs()

    def _create_run(self, command_name: str | None = None, *args: Any, **kw: Any) -> SacredRun:
        run = super()._create_run(command_name, *args, **kw)
        self.called.prepare(run)
        return run

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
            call = self._begin(command_name)
            self._add_sources()
            try:
                updates, given = call.compose(config_updates or {}, named_configs, options or {})
                meta = {**(meta_info or {}), "named_configs": list(named_configs)}
                run = self._create_run(command_name, updates, (), info, meta, given)
                call.run(run)
                return run
            finally:
                call.release(self.current_run)

    def read(self, config_updates: Mapping[str, Any], named_configs: Sequence[str]) -> "Call":
        """Read the configuration of a command line; no command is run.

        Args:
            config_updates: as of :meth:`run`.
            named_configs: likewise.

        Raises:
            UsageError, DataFileError: it cannot be read.
        """
        call = self._begin("print_config")
        updates, options = call.compose(config_updates, named_configs, {"--loglevel": "ERROR"})
        with without_host_info():
            self._create_run("print_config", updates, options=options)
        return call

    def _begin(self, command_name: str | None) -> "Call":
        from experiments.call import Call

        self.call = Call(self, trains=command_name in (None, self.default_command))
        return self.call

    def _add_sources(self) -> None:
        """Let what commands are made of be among the sources that runs keep."""
        from experiments import call

        if not self.has_all_sources:
            _, sources, dependencies = gather_sources_and_dependencies(
                vars(call), self.save_git_info, self.base_dir
            )
            self.sources |= sources
            self.dependencies |= dependencies
            self.has_all_sources = True

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
            if self.call is not None and (line := self.call.explain_interruption()) is not None:
                print(line, flush=True)
            raise SystemExit(128 + getattr(interrupt, "number", signal.SIGINT)) from None
        finally:
            self.by_command_line = False
            warn_of_lost_output()


def read_process_defaults() -> dict[str, Any]:
    """The settings beside the sections, by default."""
    from disentgen.training.settings import ProcessSettings

    return defaults(ProcessSettings)
