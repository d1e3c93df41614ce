"""Options of Sacred's command line, checked before they have any effect."""

import os
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from disentgen.errors import UsageError
from disentgen.registry import unknown
from disentgen.schema import convert
from disentgen.text import make_visible
from sacred_compat import Run

#: A run's folder has this name; it is part of paths, and of command lines.
RunName = Annotated[str, Field(pattern=r"^\w[\w.+=@-]*$", max_length=100)]
Note = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$", max_length=10_000)]

#: The types of options that take a value; those of observers are theirs to check.
HINTS: dict[str, Any] = {
    "--id": RunName,
    "--name": Annotated[Note, Field(min_length=1, max_length=100)],
    "--comment": Note,
    "--beat-interval": Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)],
    "--capture": Literal["no", "sys", "fd"],
    "--loglevel": Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    | Annotated[int, Field(ge=0, le=50)],
    "--priority": Annotated[float, Field(allow_inf_nan=False)],
    "--file_storage": Annotated[Note, Field(min_length=1, max_length=4_000)],
}
#: What Sacred's reading of a command line puts beside the options.
PARTS = ("COMMAND", "UPDATE", "with", "help")


def check_options(options: Mapping[str, Any], accepted: Collection[str]) -> None:
    """Check the options of a command.

    Args:
        options: by their long names; those that were not given are absent, None or False.
        accepted: names of all options.

    Raises:
        UsageError: there is no such option, or it does not take its value.
    """
    check_alone(os.environ)
    for name, value in options.items():
        if name not in (*accepted, *PARTS):
            raise unknown("option", name, accepted)
        if name == "--queue" and value:
            raise UsageError("--queue: runs are not queued; experiments.sweep makes many in turn.")
        if name in HINTS and value not in (None, False):
            convert(name, HINTS[name], value)


def check_alone(environment: Mapping[str, str]) -> None:
    """Check that a process is not one of several that were started for the same run.

    Args:
        environment: of the process.

    Raises:
        UsageError: it is, as torchrun starts them.
    """
    size = environment.get("WORLD_SIZE", "1")
    if size not in ("", "1"):
        raise UsageError(
            f"WORLD_SIZE={make_visible(size)}: a run is one process; experiments.sweep makes "
            "several runs at once, one for each GPU with --jobs."
        )


def check_clean(run: Run) -> None:
    """Check that no source of a run differs from what is committed.

    Raises:
        UsageError: one does, or there is no repository.
    """
    repositories = run.experiment_info["repositories"]
    if not repositories:
        raise UsageError("--enforce_clean: the sources are in no repository that can be read.")
    for repository in repositories:
        if repository["dirty"]:
            raise UsageError(
                f"--enforce_clean: {repository['url'] or 'the repository'} has changes that are "
                "not committed."
            )
