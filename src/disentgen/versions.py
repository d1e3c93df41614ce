"""Versions of this project and of the libraries that it computes with."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from disentgen import __version__

PROJECT = "disent-and-gen"
#: Those that the numbers of a training depend on.
LIBRARIES = ("torch", "pytorch-ignite", "numpy")
UNKNOWN = "unknown"


def list_versions(libraries: Iterable[str]) -> dict[str, str]:
    """The versions of this project and of libraries, by name.

    The project's own comes from its sources: it need not be installed, and an editable install
    keeps the metadata of the day it was made.

    Args:
        libraries: names of distributions, as in ``pytorch-ignite``.
    """
    return {PROJECT: __version__, **{name: find_version(name) for name in libraries}}


def find_version(library: str) -> str:
    """The version of a library; ``unknown`` of one that lies there without its metadata."""
    try:
        return version(library)
    except PackageNotFoundError:
        return UNKNOWN
