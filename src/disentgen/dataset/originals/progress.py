"""Progress bars of what takes minutes on large files."""

from tqdm import tqdm


def show_progress(total: int, what: str, unit: str, **options: bool) -> tqdm:
    """A progress bar, shown on terminals only.

    Args:
        total: what it counts up to.
        what: is being done, shown before it.
        unit: of what is counted.
        options: of tqdm, such as ``unit_scale=True``.
    """
    return tqdm(total=total, desc=what, unit=unit, disable=None, leave=False, **options)
