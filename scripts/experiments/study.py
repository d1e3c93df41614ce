"""What all experiments share: reading the command line, keeping a run, telling errors."""

import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import colorama
from sacred import SETTINGS, Experiment
from sacred.run import Run as SacredRun

from disentgen.errors import UsageError
from disentgen.paths import data_folder
from disentgen.registry import defaults, signature, unknown
from disentgen.runs import Run, RunDirectory, flatten, open_run
from disentgen.training.config import SECTIONS, ProcessSettings, read_process_settings
from ingredients.errors import told_plainly
from ingredients.observers import RunFolderObserver, check_writable
from ingredients.section import Section

# Configurations stay plain dictionaries and lists; progress bars, which write to the terminal
# itself, stay out of the captured output.
SETTINGS.CONFIG.READ_ONLY_CONFIG = False
SETTINGS.CAPTURE_MODE = "sys"

#: What a run that goes on may change; anything else would make it another run.
MAY_CHANGE = (
    "training.epochs", "training.score_images", "training.score_samples", "device", "threads",
)  # fmt: skip

HEARTBEAT_SECONDS = "2"


class Terminated(KeyboardInterrupt):
    """A signal asked the process to end."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


class StudyExperiment(Experiment):
    """A Sacred experiment whose runs are trainings."""

    path: str

    def trains(self, family: str) -> None:
        """Define the main command: train a model of a family."""
        self.add_config({**defaults(ProcessSettings)})

        @self.config_hook
        def check(config: dict, command_name: str, logger: object) -> dict:
            with told_plainly():
                self._check_keys(config)
                settings = read_process_settings({"seed": 0, **config})
                if command_name == "main":
                    self._check_choices(config)
                    # Ignite takes seconds to start: a mistake above is told before it does.
                    from disentgen.training.assembly import assemble

                    assemble({"seed": 0, **config}, family)
                return {"threads": settings.resolve_threads()}

        @self.main
        def main(_run: SacredRun) -> float | None:
            """Train a model, score it on every side, and draw what it makes."""
            from disentgen.analysis.figures import save_examples
            from disentgen.training.run import train

            with told_plainly():
                directory = RunDirectory(self._folder_of(_run))
                with directory.held():
                    results = train(_run.config, directory, _run, family)
                    print(f"picture: {save_examples(open_run(directory.path))}")
                scored = results["scores"]
                return (scored["held_out"] or scored["validation"])["nll"]

    def run(
        self,
        command_name: str | None = None,
        config_updates: dict | None = None,
        named_configs: Sequence[str] = (),
        info: dict | None = None,
        meta_info: dict | None = None,
        options: dict | None = None,
    ) -> SacredRun:
        """Run a command; see :meth:`sacred.Experiment.run`.

        The update ``resume=<id or path>`` goes on with an interrupted run in its own folder.
        """
        options = {"--beat-interval": HEARTBEAT_SECONDS, **_given(options or {})}
        # The library checks every key and type; Sacred's own check would only repeat it, less well.
        options["--force"] = True
        updates = dict(config_updates or {})
        resumed = updates.pop("resume", None)
        with told_plainly():
            self._check_named_configs(named_configs)
            folder = Path(options.pop("--file_storage", None) or self._runs_folder())
            if resumed is not None:
                if named_configs:
                    raise UsageError(
                        "a run goes on under its own configuration: resume takes no named configs "
                        f"({', '.join(named_configs)})."
                    )
                before = self._find_run(folder, str(resumed))
                folder, options["--id"] = before.path.parent, before.id
                if comment := before.record.get("meta", {}).get("comment"):
                    options.setdefault("--comment", comment)
                updates = _continued_config(before, updates)
            elif command_name in (None, "main"):
                if "--unobserved" in options:
                    raise UsageError("a training needs its folder: leave --unobserved away.")
                check_writable(folder, options.get("--id"))
            self.observers = [RunFolderObserver(folder, goes_on=resumed is not None)]
            return super().run(command_name, updates, named_configs, info, meta_info, options)

    def run_commandline(self, argv: Any = None) -> SacredRun | None:
        """Run the command line; end with status 130 or 128 + signal when interrupted."""
        self._check_with(sys.argv if argv is None else argv)
        colorama.init()  # strips colours where the output is not a terminal
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
                signal.signal(number, _terminate)
        try:
            return super().run_commandline(argv)
        except KeyboardInterrupt as interrupt:
            run = self.current_run
            if run is not None and run._id is not None:
                print(
                    f"interrupted; go on with: python -m experiments.{self.path} with "
                    f"resume={self._folder_of(run)}",
                    flush=True,
                )
            raise SystemExit(128 + getattr(interrupt, "number", signal.SIGINT)) from None

    def _folder_of(self, run: SacredRun) -> Path:
        observers = [o for o in run.observers if isinstance(o, RunFolderObserver)]
        return Path(observers[0].dir).absolute()

    def _find_run(self, folder: Path, given: str) -> Run:
        """The run that ``resume`` names, by its id or its path, if it can go on."""
        places = (folder / given, folder.parent / given, Path(given).expanduser())
        found = next((place for place in places if (place / "config.json").exists()), None)
        if found is None:
            ids = sorted(path.parent.name for path in folder.glob("[0-9]*/config.json"))
            raise UsageError(
                f"resume={given} is not a run directory; runs in {folder}: "
                f"{', '.join(ids) or 'none'}."
            )
        run = open_run(found)
        name = run.record.get("experiment", {}).get("name", self.path)
        if name != self.path:
            raise UsageError(
                f"run {run.path} is one of experiments.{name}: go on with it by "
                f"python -m experiments.{name} with resume={given}."
            )
        if run.status == "RUNNING":
            raise UsageError(f"run {run.path} is still running; nothing to resume.")
        run.load_checkpoint()
        return run

    def _runs_folder(self) -> Path:
        return data_folder() / "sims" / self.path

    def _sections(self) -> list[Section]:
        return [section for section in self.ingredients if isinstance(section, Section)]

    def _check_keys(self, config: Mapping[str, Any]) -> None:
        accepted = [*SECTIONS, *signature(ProcessSettings), "resume"]
        for key in config:
            if key not in accepted:
                raise unknown("configuration key", key, accepted)

    def _check_choices(self, config: Mapping[str, Any]) -> None:
        for section in self._sections():
            if section.required and config[section.path][section.required] is None:
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
        with told_plainly():
            if loose:
                raise UsageError(
                    "settings stand after 'with': "
                    f"python -m experiments.{self.path} with {shlex.join(loose)}"
                )

    def _check_named_configs(self, named_configs: Sequence[str]) -> None:
        known = [name for name, _ in self.gather_named_configs()]
        for name in named_configs:
            if name not in known and not Path(name).is_file():
                path = name.partition(".")[0]
                beside = [other for other in known if other.startswith(f"{path}.")]
                raise unknown("named config", name, beside or known)
        for section in self._sections():
            taken = [
                name for name in dict.fromkeys(named_configs)
                if name in [f"{section.path}.{choice}" for choice in section.choices]
            ]  # fmt: skip
            if len(taken) > 1:
                raise UsageError(
                    f"{' and '.join(taken)} exclude each other; they would be mixed. Give one."
                )


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, False)}


def _terminate(number: int, frame: object) -> None:
    raise Terminated(number)


def _continued_config(run: Run, updates: dict) -> dict:
    """The configuration of a run, with the few changes that leave it the same run."""
    config = _merge(run.config, updates)
    before, after = flatten(run.config), flatten(config)
    for key in after:
        if key not in MAY_CHANGE and (key not in before or before[key] != after[key]):
            raise UsageError(
                f"'{key}' cannot change when a run is resumed; only {', '.join(MAY_CHANGE)} can."
            )
    done = len(run.history)
    if after["training.epochs"] < done:
        raise UsageError(
            f"run {run.path} has {done} epochs already; training.epochs={after['training.epochs']} "
            "is less."
        )
    again = ("training.epochs", "training.score_images", "training.score_samples")
    # A run of an earlier version may lack a key.
    if run.status == "COMPLETED" and all(after.get(key) == before.get(key) for key in again):
        raise UsageError(
            f"run {run.path} is complete ({done} epochs); give training.epochs={done + 10}, say, "
            "to train it further, or training.score_images or training.score_samples to score it "
            "on more images or by more samples."
        )
    return config


def _merge(kept: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dictionaries, those of the first changed by those of the second."""
    merged = dict(kept)
    for key, value in changed.items():
        both = isinstance(value, Mapping) and isinstance(kept.get(key), Mapping)
        merged[key] = _merge(kept[key], value) if both else value
    return merged


def git_state_is_readable() -> bool:
    """Sacred stops where it cannot read the repository: without git, or before a first commit."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
