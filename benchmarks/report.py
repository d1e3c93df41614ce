"""The index of a report of many small runs: its size, and the time that each step takes.

The runs are copies of a run folder under other ids, with other seeds and other numbers of epochs;
nothing is measured or drawn, so that only reading, tables and pages are timed.

    python benchmarks/report.py RUN... [--count 1000] [--output FOLDER]
"""

import argparse
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from disentgen.analysis.collect import find_collection
from disentgen.analysis.collection import RunResults
from disentgen.report.compare import compare_studies
from disentgen.report.links import FROM_INDEX, Links, name_pages
from disentgen.report.page import describe_pages, fill_index, save_run_pages, write_page
from disentgen.report.rendering import render
from disentgen.report.tables import build_tables
from disentgen.runs import find_runs

#: Runs of one cell.
SEEDS = 10


def make_runs(sources: Sequence[Path], folder: Path, count: int) -> None:
    """Copy runs under new ids, each cell with ten seeds.

    Args:
        sources: folders of runs, taken in turn.
        folder: that the copies are written to.
        count: how many copies.
    """
    for number, source in zip(range(count), itertools.cycle(sources), strict=False):
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        place, seed = divmod(number // len(sources), SEEDS)
        config["seed"] = seed + 1
        config["training"]["epochs"] += place  # another cell
        target = folder / source.parent.name / str(number + 1)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("analysis"))
        (target / "config.json").write_text(json.dumps(config), encoding="utf-8")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a step took."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    print(
        f"{what:<28}{time.perf_counter() - wall:>8.1f} s{time.process_time() - processor:>8.1f} s",
        flush=True,
    )


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders to copy")
    parser.add_argument("--count", type=int, default=1_000, help="how many runs")
    parser.add_argument("--output", type=Path, help="of the report; a temporary one without")
    return parser.parse_args()


def main() -> None:
    """Make the runs, then a report without pictures."""
    given = read_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "sims")
        output = given.output or Path(temporary, "report")
        make_runs([run.absolute() for run in given.runs], root, given.count)
        print(f"{given.count:,} runs{'':<18}{'wall':>10}{'CPU':>10}")
        with timed("list"):
            find_runs(root)
        with timed("open"):
            collection = find_collection(root, only=["dci_lasso"])
        paths = [str(run.path) for run in collection.runs]
        collection._results = {path: RunResults(path, {}, {}) for path in paths}
        with timed("tables"):
            tables = build_tables(
                collection.table, compare_studies(collection.table, collection.runs)
            )
        with timed("index"):
            links = Links(name_pages(collection.runs), FROM_INDEX)
            page = render("index", inside=[], figures=[], **fill_index(collection, tables, links))
            write_page(output / "index.html", page)
        with timed("pages of runs"):
            save_run_pages(collection, tables, describe_pages(collection), output)
        size = (output / "index.html").stat().st_size / 1e6
        print(f"index {size:.2f} MB, {len(tables.cells)} cells")


if __name__ == "__main__":
    main()
