"""What a run that goes on may change, and what it may not."""

from collections.abc import Mapping
from typing import Any

from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError, UsageError
from disentgen.schema import flatten
from disentgen.training.config import Config


def list_changes(before: Config, after: Config) -> list[str]:
    """The settings in which two configurations of one run differ, by keys with dots.

    Args:
        before: that the run was made under.
        after: that it is to go on under.

    Raises:
        UsageError: a setting differs that would make it another run.
    """
    saved, wanted = flatten(before.plain()), after.flat()
    may_change = [name for name, (_, key) in wanted.items() if key.may_change]
    changed = [
        name
        for name in {**saved, **wanted}
        if name not in wanted or name not in saved or saved[name] != wanted[name][0]
    ]
    for name in changed:
        if name not in may_change:
            raise UsageError(
                f"'{name}' cannot change when a run is resumed; only {', '.join(may_change)} can."
            )
    return changed


def check_images(spec: DatasetSpec, recorded: Mapping[str, Any]) -> None:
    """Check that a dataset's images still are those that a run was begun on.

    Whatever file is opened has one of the hashes in the specification, so these alone can differ.

    Args:
        spec: of the dataset as it is now.
        recorded: of :meth:`~disentgen.run_directory.RunDirectory.load_images`.

    Raises:
        DataFileError: the run is of a file with another hash.
    """
    was, now = recorded.get("hash"), [form.hash for form in spec.original.forms]
    if was is not None and was not in now:
        raise DataFileError(
            f"the run was begun on images of a {spec.title} file with {was}; the file now has "
            f"{' or '.join(now)}, so these are other images."
        )
