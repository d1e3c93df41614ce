"""Many runs from one command line: a grid of any settings, or the rows of a published study.

cd scripts
python -m experiments.sweep disent with dataset.dsprites model.kim training.vae seed={1..3}
python -m experiments.sweep disent --dry-run

What is given several times after ``with`` is an axis of a grid; without ``with``, the runs are
those of a study, a folder of ``disentgen.studies``.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from disentgen.command_line import CommandParser, add_plugin_option, plain_errors, positive
from disentgen.errors import UsageError, warn
from disentgen.paths import data_folder
from disentgen.registry import choose, unknown
from disentgen.run_files import families_by_experiment
from disentgen.streams import run_command
from disentgen.studies import Study, load_studies
from disentgen.text import make_visible
from engines import add_options, engines, open_engine
from experiments.axes import Axis, describe_axes, list_idle, list_points, read_axes
from experiments.cells import (
    SMOKE,
    Cell,
    add_controls,
    count_cells,
    drop_same,
    find_runs_of,
    list_choices,
    name_state,
    read_cells,
    tabulate_states,
)
from experiments.making import Sweep
from experiments.planned import plan_runs
from interrupts import interrupt_on_signals

#: More cells than these are started without a question only where nobody can answer it.
ASKED_ABOVE = 20
#: Options that exclude each other.
ALONE = (("status", "dry_run"), ("control", "control_only"))
#: Options that say which rows of a study are meant.
OF_STUDIES = ("study", "seeds", "dataset", "model", "words")

#: Options that take no value.
FLAGS = {
    "--dry-run": "print the command lines, with notes on what is uncertain, and what they cost",
    "--measure": "with --dry-run: train 100 steps of each kind of which there is no run",
    "--status": "print the state of each cell, and its folder",
    "--control": "each cell and its control, trained on all images, scored on the same sides",
    "--control-only": "the controls alone",
    "--smoke": "a few iterations of each",
    "--retry": "try those again whose last run has failed",
    "--yes": f"start more than {ASKED_ABOVE} cells without asking",
}


def choose_study(name: str | None, experiment: str) -> Study:
    """A study by name, or the only one that has rows of an experiment.

    Args:
        name: of the study; None where none is given.
        experiment: whose rows are wanted.

    Raises:
        UsageError: there is none of this name or with this experiment, or there are several and
            none is named.
    """
    studies = load_studies()
    if name is not None:
        return choose("study", name, studies)
    fitting = {key: one for key, one in studies.items() if experiment in one.experiments}
    if not fitting:
        known = dict.fromkeys(name for one in studies.values() for name in one.experiments)
        raise unknown("experiment of a study", experiment, known)
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    raise UsageError(f"--study must name one of {', '.join(fitting)}.")


def build_parser() -> CommandParser:
    """The options of the command line, those of engines among them."""
    parser = CommandParser(
        prog="python -m experiments.sweep",
        usage="%(prog)s EXPERIMENT [options] [with WORDS]",
        description="Make many runs: a grid of the words after 'with', of which a key or a choice "
        "that is given several times is an axis; without 'with', the rows of a published study.",
    )
    parser.add_argument("experiment", help=f"one of {', '.join(families_by_experiment())}")
    for name, text in FLAGS.items():
        parser.add_argument(name, action="store_true", help=text)
    parser.add_argument("--engine", default="local", help=f"one of {', '.join(engines())}")
    add_options(parser)
    add_plugin_option(parser)
    rows = parser.add_argument_group("of a study")
    rows.add_argument("--study", help=f"one of {', '.join(load_studies())}")
    rows.add_argument("--seeds", type=positive, help="runs of each row; 1 by default")
    rows.add_argument("--dataset", help="this dataset alone")
    rows.add_argument("--model", action="append", help="this model alone; may stand repeatedly")
    rows.add_argument("--with", nargs="*", dest="words", help="further settings")
    return parser


def check_names(study: Study, given: argparse.Namespace) -> None:
    """Refuse names that the study's rows do not have.

    Raises:
        UsageError: what was given, what is accepted, and the nearest.
    """
    rows = study.list_rows(given.experiment)
    if not rows:
        raise unknown(f"experiment of {study.name}", given.experiment, study.experiments)
    datasets, models = {row.dataset for row in rows}, {row.model for row in rows}
    if given.dataset not in (None, *datasets):
        raise unknown("dataset", given.dataset, sorted(datasets))
    for model in given.model or ():
        if model not in models:
            raise unknown("model", model, sorted(models))


def check_flags(given: argparse.Namespace) -> None:
    """Check that options do not contradict each other.

    Raises:
        UsageError: they do.
    """
    for one, other in ALONE:
        if getattr(given, one) and getattr(given, other):
            flags = [f"--{name.replace('_', '-')}" for name in (one, other)]
            raise UsageError(f"{flags[0]} and {flags[1]} exclude each other.")
    if given.measure and not given.dry_run:
        raise UsageError("--measure goes with --dry-run.")


@dataclass(frozen=True)
class Plan:
    """The cells of a command line, which are not read yet.

    Args:
        cells: all of them, controls among them.
        name: of what they are of, such as axes.
        axes: of a grid.
    """

    cells: Sequence[Cell]
    name: str
    axes: Sequence[Axis] = ()

    def check(self) -> list[Cell]:
        """The cells with their seeds, each once, all of them checked.

        Raises:
            UsageError, DataFileError: one would be refused.
        """
        cells = read_cells(self.cells)
        different = drop_same(cells)
        if len(different) < len(cells):
            self._name_idle(cells)
            print(f"without repetitions: {count_cells(different)}", flush=True)
        return different

    def _name_idle(self, cells: Sequence[Cell]) -> None:
        """Warn of axes along which no cell changes."""
        each = len(cells) // len(list_points(self.axes))  # a cell, or a cell and its control
        for name in list_idle(self.axes, [cell.identity for cell in cells[::each]]):
            warn(f"{make_visible(name)} makes no cells of its own here: its first value is taken.")


def plan_study(given: argparse.Namespace) -> Plan:
    """The cells of a study's rows."""
    study = choose_study(given.study, given.experiment)
    check_names(study, given)
    extra = SMOKE * given.smoke + tuple(given.words or ())
    seeds = range(1, (given.seeds or 1) + 1)
    cells = plan_runs(study, given.experiment, seeds, given.dataset, given.model, extra)
    return Plan(cells, f"{study.title}: row ({len(cells) // len(seeds)}) × seed ({len(seeds)})")


def plan_grid(given: argparse.Namespace, words: Sequence[str]) -> Plan:
    """The cells of a grid.

    Args:
        given: options of the command line.
        words: that stand behind ``with``.
    """
    for option in OF_STUDIES:
        if getattr(given, option) is not None:
            name = "with" if option == "words" else option
            raise UsageError(f"--{name} is of a study; settings after 'with' make up a grid.")
    if given.experiment not in (experiments := list(families_by_experiment())):
        raise unknown("experiment", given.experiment, experiments)
    axes = read_axes(words, list_choices(given.experiment))
    points = [(*point, *SMOKE * given.smoke) for point in list_points(axes)]
    return Plan([Cell(given.experiment, point) for point in points], describe_axes(axes), axes)


def read_options(words: Sequence[str]) -> tuple[argparse.Namespace, list[str] | None]:
    """The options of a command line, and what stands after ``with``; None if there is none.

    Raises:
        UsageError: options contradict each other.
    """
    place = words.index("with") if "with" in words else len(words)
    given = build_parser().parse_args(words[:place])
    check_flags(given)
    return given, list(words[place + 1 :]) if words[place:] else None


def plan(given: argparse.Namespace, words: Sequence[str] | None) -> Plan:
    """The cells of a command line, and a line about them: checks of many take seconds.

    Args:
        given: its options.
        words: that stand after ``with``; None if there is none.

    Raises:
        UsageError: names or words are not accepted.
    """
    plain = plan_study(given) if words is None else plan_grid(given, words)
    planned = replace(plain, cells=add_controls(plain.cells, given.control, given.control_only))
    controls = ", with controls" if given.control else ", controls" if given.control_only else ""
    count = count_cells(planned.cells)
    print(f"{given.experiment}: {planned.name}{controls}: {count}", flush=True)
    return planned


def print_plan(cells: Sequence[Cell], jobs: int, measure: bool) -> None:
    """Print command lines, and what those cost that are not made yet.

    Args:
        cells: all of a sweep.
        jobs: how many are made beside each other.
        measure: see :func:`~experiments.estimates.describe_costs`.
    """
    from experiments.estimates import describe_costs

    print("\n".join(map(str, cells)))
    runs = find_runs_of(cells)
    waiting = [cell for cell in cells if name_state(runs.get(cell.identity)) != "done"]
    print(describe_costs(waiting, jobs, measure))


def ask_to_start(count: int) -> None:
    """Ask on a terminal whether so many cells are to be started.

    Raises:
        SystemExit: they are not.
    """
    can_answer = sys.stdin.isatty() and sys.stdout.isatty()
    if count > ASKED_ABOVE and can_answer:
        try:
            answer = input(f"Start {count} cells? [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            raise SystemExit("nothing was started.")


def main(arguments: list[str] | None = None) -> int:
    """The command line; its exit status."""
    interrupt_on_signals()
    with plain_errors():
        given, words = read_options(sys.argv[1:] if arguments is None else arguments)
        if given.status:
            print(tabulate_states(plan(given, words).check()))
        elif given.dry_run:
            print_plan(plan(given, words).check(), given.jobs or 1, given.measure)
        else:
            return make_cells(given, words)
    return 0


def make_cells(given: argparse.Namespace, words: Sequence[str] | None) -> int:
    """Make the cells of a command line; the exit status.

    Args:
        given: its options.
        words: that stand after ``with``; None if there is none.
    """
    from ingredients.observers import check_writable

    planned = plan(given, words)
    workers = open_engine(given.engine, given)
    check_writable(data_folder() / "sims" / given.experiment)
    cells = planned.check()
    ask_to_start(0 if given.yes else len(cells))
    return Sweep(cells, given.retry).make(workers)


if __name__ == "__main__":
    run_command(main)
