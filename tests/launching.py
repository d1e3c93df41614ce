"""A command that makes runs by an engine: ``python -m launching --engine=NAME [options] -- words``.

Each word behind the options is that of a run, such as its seed, beside those that all have.
"""

import sys

from conftest import FAST
from disentgen.command_line import CommandParser, plain_errors
from disentgen.streams import run_command
from engines import Job, add_options, open_engine
from interrupts import interrupt_on_signals

EPOCHS = 120
#: Of a run that takes some ten seconds, and is saved every second.
WORDS = (*FAST[:4], f"training.epochs={EPOCHS}", "training.checkpoint_minutes=0.02")


def make_jobs(given):
    for number, word in enumerate(given, start=1):
        words = ("-m", "experiments.disent", "with", "resume=auto", *WORDS, *word.split())
        yield Job(number, words)


def main() -> int:
    parser = CommandParser(prog="launching")
    parser.add_argument("--engine")
    add_options(parser)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    failed = 0
    interrupt_on_signals()
    with plain_errors():
        for job, ended in open_engine(given.engine, given).run(make_jobs(given.words)):
            print(f"run {job.number}: {ended.status}", flush=True)
            print(ended.printed, file=sys.stderr)
            failed += ended.status != 0
    return failed


if __name__ == "__main__":
    run_command(main)
