"""What a run that goes on may change."""

from disentgen.errors import UsageError
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
