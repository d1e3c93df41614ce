"""Stand-ins written in the form of published files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from disentgen.dataset.images import Pixels
from disentgen.dataset.originals.archive import BLOCK
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.spec import DatasetSpec
from disentgen.paths import make_folder, replaced_whole


def export_stand_in(spec: DatasetSpec, path: Path) -> None:
    """Write the stand-in under the published file's keys, types and order, marked as a stand-in.

    Raises:
        DataFileError: the file cannot be written.
        UsageError: its name does not end as a format's does, or there is no stand-in.
    """
    write, render = find_format(path).write_stand_in, spec.require_renderer()
    form = spec.original.choose_form(path)
    shape = (spec.grid.size, *spec.stored_shape)
    make_folder(path.parent)
    with (
        replaced_whole(path) as temporary,
        show_progress(spec.grid.size, f"writing {path.name}", " images") as bar,
    ):

        def draw_blocks() -> Iterator[Pixels]:
            for start in range(0, spec.grid.size, BLOCK):
                indices = np.arange(start, min(start + BLOCK, spec.grid.size))
                yield render(indices).reshape(-1, *shape[1:])
                bar.update(len(indices))

        write(temporary, form.key, shape, draw_blocks(), form.labels())
