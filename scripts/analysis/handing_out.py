"""The runs of a report handed out to an engine, which measures and draws what is missing."""

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from disentgen.analysis.collection import Collection, RunResults, show_progress
from disentgen.plugins import list_flags
from disentgen.report.prepare import load_results
from disentgen.text import make_visible
from engines import Ended, Job, Workers
from engines.remote import launch_folder

#: A job takes seconds to start, which up to so many runs share, once there are so many jobs.
TOGETHER, JOBS = 8, 32


def prepare_by(workers: Workers, collection: Collection, root: Path, cpus: int = 1) -> None:
    """Measure and draw what is missing of all runs by an engine.

    Args:
        workers: of the engine.
        collection: of runs, with the folder of their report; those that cannot be measured or
            drawn, or whose job has failed, are left out.
        root: folder of the runs.
        cpus: of each job.

    Raises:
        UsageError: the engine cannot be reached, or its workers do not see the folders.
        DataFileError: no run is left.
    """
    assert collection.beside is not None
    folders = [collection.beside, root]
    with launch_folder("report", folders) as results:
        runs = [str(run.path) for run in collection.runs]
        shares = dict(enumerate(deal(runs, cpus), start=1))
        jobs = [make_job(number, share, collection, results) for number, share in shares.items()]
        done = read_results(workers.run(jobs, folders), shares, results)
        collection.take(show_progress(done, len(collection.runs), "measuring and drawing"))


def deal(runs: Sequence[str], cpus: int) -> list[Sequence[str]]:
    """Runs in shares of one job each, which differ by one run at most.

    Args:
        runs: their paths.
        cpus: of each job, none of which is to be idle while there are runs.
    """
    together = max(cpus, min(TOGETHER, math.ceil(len(runs) / JOBS)))
    count = math.ceil(len(runs) / together)
    return [runs[first::count] for first in range(count)]


def make_job(number: int, runs: Sequence[str], collection: Collection, results: Path) -> Job:
    """The job that prepares some runs, as many at a time as it has CPUs.

    Args:
        number: of the job.
        runs: their paths.
        collection: that they are of.
        results: folder of what the report reads.
    """
    words = ["-m", "analysis.prepare", f"--report={collection.beside}", f"--results={results}"]
    if collection.images is not None:
        words.append(f"--images={collection.images}")
    return Job(number, (*words, *list_flags(), *runs), threads="--jobs={}")


def read_results(
    jobs: Iterable[tuple[Job, Ended]], shares: Mapping[int, Sequence[str]], folder: Path
) -> Iterator[RunResults]:
    """What was measured on each run, as the jobs end; the reason, where one has failed.

    Args:
        jobs: that have ended.
        shares: paths of runs by the number of the job.
        folder: of the results.
    """
    for job, ended in jobs:
        if ended.printed:
            print(make_visible(ended.printed, keep="\n\t"), end="", file=sys.stderr, flush=True)
        for run in shares[job.number]:
            yield load_results(run, folder) or RunResults(run, {}, {}, ended.reason)
