"""Where a training is kept: in a folder that this process holds, and in databases beside it."""

from collections.abc import Sequence
from pathlib import Path

from disentgen.errors import UsageError
from disentgen.training.config import Config
from disentgen.training.signals import signals_held_back
from experiments.claims import Claim, Request, claim_run, continue_config
from ingredients.connections import Databases
from ingredients.databases import TakenError
from ingredients.entering import arrange_observers, enter
from ingredients.guarded import GuardedObserver
from ingredients.observers import RunFolderObserver
from sacred_compat import Run as SacredRun


class Keeper:
    """Holds the folder of a run from before its first file is written until after the last.

    Args:
        request: which folder is asked for.
        observer: keeps the run in it.
        asked_for: databases of the command line.
    """

    def __init__(
        self,
        request: Request,
        observer: RunFolderObserver,
        asked_for: Sequence[GuardedObserver],
    ):
        self.request = request
        self.observer = observer
        self.asked_for = asked_for
        self.databases = Databases([])
        self.claim: Claim | None = None
        self.is_named = False
        #: The folder, once it has been let go of, if it holds a run.
        self.kept: Path | None = None

    def claim_run(self, path: Path) -> None:
        """Hold the folder of a run that was named, and is to go on.

        Raises:
            RunningError: another process is training it.
            UsageError: the option ``--id`` names another folder.
        """
        if self.request.name not in (None, path.name):
            raise UsageError(
                f"--id={self.request.name} is another folder than {path}; leave it away."
            )
        self.claim, self.is_named = claim_run(path), True

    def claim_folder(self, run: SacredRun, config: Config, seed: bool) -> Config | None:
        """Hold a folder for a run, and enter the run in the databases under the folder's name.

        Args:
            run: that Sacred has made.
            config: of the run.
            seed: whether its seed was given.

        Returns:
            The configuration, which is that of the run that goes on; None if that is complete.

        Raises:
            RunningError: another process is training the run.
            UsageError: the folder or a database has another run of that name.
            DataFileError: the folder cannot be written to, or its run cannot be read.
        """
        if self.claim is None and self.request.may_be_there:
            self.claim = self.request.claim(config, seed)
            if self.claim is None:  # complete, whether its databases can be reached or not
                return None
        self.databases = arrange_observers(run, self.observer, self.asked_for)
        taken = self.databases.find_highest()
        # In a database, too, there is either a run that begins or none.
        with signals_held_back():
            return self._enter(run, config, seed, taken)

    def _enter(self, run: SacredRun, config: Config, seed: bool, taken: int) -> Config:
        while True:
            claim = self.claim = self.claim or self.request.claim(config, seed, taken)
            assert claim is not None  # a new run is not complete
            config = self._name_run(run, claim, config)
            claim.directory.load_starts()  # of a damaged file nothing is entered
            try:
                enter(run, claim.path, self.databases)
            except TakenError:
                if claim.run is not None or self.request.name is not None:
                    raise
                taken = int(claim.path.name)
                claim.release()
                self.claim = None
            else:
                self.observer.keep_in(claim.directory)
                claim.begin()
                return config

    def _name_run(self, run: SacredRun, claim: Claim, config: Config) -> Config:
        """Make a run the one of a folder; its configuration."""
        if claim.run is not None:
            if not self.is_named:
                config = continue_config(claim.run, self.request.updates)
            if comment := claim.run.record.comment:
                run.meta_info.setdefault("comment", comment)
        run._id, run.config = claim.path.name, config.plain()
        return config

    def release(self, run: SacredRun | None) -> None:
        """Let go of the folder, once Sacred has written all that it writes.

        Args:
            run: that was kept; None where it has come to none.
        """
        claim, self.claim = self.claim, None
        if claim is None:
            return
        if run is not None and run._heartbeat is not None:
            run._stop_heartbeat()
            run._heartbeat.join()
        if claim.has_come_to_nothing:
            self.databases.withdraw()
        claim.release()
        self.kept = claim.path if claim.begun and claim.path.exists() else None
