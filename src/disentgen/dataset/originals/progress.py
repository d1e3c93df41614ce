"""Progress bars of what takes minutes on large files."""

from tqdm import tqdm


def show_progress(total: int, what: str, unit: str, **options: bool) -> tqdm:
    """A progress bar, shown on terminals only."""
    return tqdm(total=total, desc=what, unit=unit, disable=None, leave=False, **options)
