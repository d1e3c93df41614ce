"""Published studies that runs are compared with: a folder is a study.

A folder's ``__init__`` exports one record, ``STUDY``, a :class:`~disentgen.studies.study.Study`:
what was trained, how, what was published of it, and what it claims. Its own files stand beside it.
"""

from disentgen.registry import load_named
from disentgen.studies.study import Study

__all__ = ["Study", "load_studies"]


def load_studies() -> dict[str, Study]:
    """All studies by name, in the alphabetical order of their folders."""
    return load_named("disentgen.studies", "STUDY")
