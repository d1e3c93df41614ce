"""A call of a command of an experiment: its settings are read, and a training is made and kept.

Imported when a command is called: the description of an experiment, which its help shows, needs
nothing of this, and this takes seconds to import.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentgen.dataset.build import name_dataset
from disentgen.dataset.originals.find import check_root
from disentgen.errors import UsageError, warn_on_failure
from disentgen.paths import data_folder, expand
from disentgen.plain_settings import nest
from disentgen.registry import use_plugin
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run, open_run, view_training
from disentgen.schema import defaults, merge
from disentgen.text import make_visible
from disentgen.training.config import Config
from disentgen.training.settings import ProcessSettings
from experiments.checks import check_choices, check_keys, check_kind
from experiments.claims import Request
from experiments.given import use_plugins
from experiments.keeping import Keeper
from experiments.named_configs import read_named_configs
from experiments.options import check_clean, check_options
from experiments.resume import check_continued, describe_resume, locate_resumed
from ingredients.connections import take_options
from ingredients.observers import RunFolderObserver, check_writable
from interrupts import ignore_signals
from sacred_compat import Run as SacredRun

if TYPE_CHECKING:
    from experiments.experiment import TrainingExperiment

HEARTBEAT_SECONDS = "2"


class Call:
    """A call of a command, from what was given to its end.

    Sacred composes a configuration; :class:`Config` reads it once, when it is whole, and what was
    read is what is kept, shown and trained.

    Args:
        experiment: whose command is called.
        trains: whether the command is the training.
    """

    config: Config
    #: The settings beside the sections that are given, or of the experiment's own defaults.
    given: Mapping[str, Any]
    #: The run that ``resume`` names, if it names one.
    resumed: Run | None = None
    #: Where the run is kept.
    keeper: Keeper | None = None
    #: Whether the run is refused where the repository has changes.
    must_be_clean: bool = False

    def __init__(self, experiment: "TrainingExperiment", trains: bool):
        self.experiment = experiment
        self.trains = trains

    def compose(
        self,
        updates: Mapping[str, Any],
        named_configs: Sequence[str],
        given: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Updates and options as Sacred is to have them; the folder of the run is found.

        Args:
            updates: settings, nested or with dots.
            named_configs: names of named configurations, or files of settings.
            given: options of the command line.

        Raises:
            UsageError, DataFileError: one of them cannot be read, or the folder not be used.
        """
        experiment = self.experiment
        use_plugins(given)
        check_options(given, experiment.get_default_options())
        options = {"--beat-interval": HEARTBEAT_SECONDS, **_given(given)}
        # The library checks every key and type; Sacred's own check would only repeat it, less well.
        options["--force"] = True
        self.must_be_clean = bool(options.pop("--enforce_clean", False))
        options.pop("--plugin", None)
        configs = dict(experiment.gather_named_configs())
        named = read_named_configs(named_configs, configs, experiment.sections, experiment.family)
        typed = use_spec(nest(updates))
        resume = typed.pop("resume", None)
        nested = merge(named, typed)
        check_keys(nested)
        if self.trains and "--unobserved" in options:
            raise UsageError("a training needs its folder: leave --unobserved away.")
        keeper = self._observe(options, nested, resume == "auto")
        if resume not in (None, "auto"):
            folder = keeper.request.folder
            path = locate_resumed(folder, str(resume), experiment.path, named_configs)
            nested = merge(self._open_resumed(keeper, path).config, nested)
        elif self.trains:
            check_writable(keeper.request.folder)
        return nested, options

    def _open_resumed(self, keeper: Keeper, path: Path) -> Run:
        """The run that is to go on.

        Args:
            keeper: of the run.
            path: of its folder.

        Raises:
            UsageError: it cannot be built again here.
        """
        if self.trains:
            keeper.claim_run(path)  # before its state is read
        self.resumed = open_run(path)
        self.resumed.check_rebuilt()
        return self.resumed

    def _observe(self, options: dict[str, Any], given: Mapping[str, Any], auto: bool) -> Keeper:
        """Keep the run where its options say, beside whatever observers a user has added.

        Args:
            options: of the command line; those that say where are taken off.
            given: settings of the command line.
            auto: whether it is to go on with a run of the same configuration.
        """
        experiment = self.experiment
        sims = data_folder() / "sims"
        folder = expand(options.pop("--file_storage", None) or sims / experiment.path)
        request = Request(folder, given, options.pop("--id", None), auto)
        self.keeper = Keeper(request, RunFolderObserver(folder), take_options(options))
        added = [one for one in experiment.observers if not isinstance(one, RunFolderObserver)]
        experiment.observers = [*added, self.keeper.observer]
        return self.keeper

    def read_config(self, config: dict[str, Any]) -> dict[str, Any]:
        """Read what Sacred has composed; its seed comes from here, before it draws one itself.

        Raises:
            UsageError, DataFileError: it cannot be read, or of a training: it cannot be trained.
        """
        experiment = self.experiment
        check_kind(config, experiment.path, experiment.family)
        if self.trains:
            check_choices(config, experiment.sections)
        process = {name: config.get(name) for name in defaults(ProcessSettings)}
        self.given = {name: value for name, value in process.items() if value is not None}
        self.config = Config.read({**config, "experiment": experiment.path}, complete=False)
        if self.trains:
            if self.resumed is None:
                check_root(self.config.dataset["root"])
            else:
                check_continued(self.resumed, self.config)
            self.config.check_whole()
        return {"seed": self.config.seed}

    def prepare(self, run: SacredRun) -> None:
        """Give a run that Sacred has made its configuration and, if it trains, its folder.

        Raises:
            RunningError, UsageError, DataFileError: see :meth:`Keeper.claim_folder`.
        """
        if self.must_be_clean:
            check_clean(run)
        run.config = self.config.plain()
        if self.trains:
            assert self.keeper is not None
            config = self.keeper.claim_folder(run, self.config, "seed" in self.given)
            self.config = config or self.config

    def run(self, run: SacredRun) -> None:
        """Run the command; a training that is complete is left as it is.

        Raises:
            DataFileError: a file of the run was not written when it was last to be.
        """
        if not self.trains:
            run()
        elif self.keeper is not None and self.keeper.claim is not None:
            run()
            self.keeper.observer.check()

    def train(self, run: SacredRun) -> float | None:
        """Train a model, score it and draw what it makes; its NLL held out, or of validation."""
        from disentgen.training.run import train_held

        assert self.keeper is not None and self.keeper.claim is not None
        self.keeper.claim.end_choice()
        directory = self.keeper.claim.directory
        try:
            training = train_held(self.config, directory, run)
            with warn_on_failure("pictures of the run are missing"):
                directory.check()
                from disentgen.analysis.figures.examples import save_examples

                for path in save_examples(view_training(training, directory)):
                    print(f"picture: {make_visible(path)}")
        finally:
            if self.experiment.by_command_line:
                ignore_signals()  # how the run ends is clear: its last files are written
        scores = training.results["scores"]
        known = (scores[side]["nll"] for side in ("held_out", "validation") if scores[side])
        return next(known, None)

    def release(self, run: SacredRun | None) -> None:
        """Let go of the folder, once Sacred has written all that it writes.

        Args:
            run: that was kept; None where it has come to none.
        """
        if self.keeper is not None:
            self.keeper.release(run)

    def explain_interruption(self) -> str | None:
        """How a training that was interrupted can go on; None if nothing is kept of one."""
        if self.keeper is None or (kept := self.keeper.kept) is None:
            return None
        what = "go on" if RunDirectory(kept).has_saved else "nothing was saved; start again"
        return f"interrupted; {what} with: {describe_resume(self.experiment.path, kept)}"


def use_spec(typed: dict[str, Any]) -> dict[str, Any]:
    """Use the file that ``dataset.spec`` names, as a plugin: whoever types its name means it.

    Args:
        typed: settings that stand on the command line itself, and not in a file.

    Returns:
        The same with the name of the dataset that is meant.

    Raises:
        UsageError: the file cannot be used, or has no such dataset.
    """
    section = typed.get("dataset")
    if not isinstance(section, dict) or section.get("spec") in (None, "null"):
        return typed
    use_plugin(str(section["spec"]))
    name = name_dataset(section.get("name"), str(section["spec"]))
    return merge(typed, {"dataset": {"name": name}})


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, False)}
