"""Which programs are measured, and what each is compared with."""

from collections.abc import Iterator
from dataclasses import replace

import programs as kinds
from setting import SCORED, Setting
from turns import Program

PRECISIONS = ("fp32", "bf16")
#: Gradients are compared once, and have no rate.
GRADIENTS = Program("gradients, bf16 : fp32", kinds.run_gradients, Setting(1))


def list_programs(threads: int) -> list[Program]:
    """All programs, in the order of the table.

    Args:
        threads: of a run that has the machine for itself, and the number of runs of one thread
            that share it; 2 or more.
    """
    usual = Program(f"usual loop fp32{label(threads)}", kinds.run_usual_loop, Setting(threads))
    wide = [*list_training(threads, (usual.name,)), *list_evaluation(threads)]
    narrow = list(list_training(1, ()))
    shared = list_shared(usual, narrow, threads)
    return [usual, *wide, *narrow, *shared, *list_reading(threads), *list_drawing()]


def label(threads: int) -> str:
    """The end of a name, which says how many threads a program has."""
    return f", {threads} thread" + "s" * (threads > 1)


def list_training(threads: int, usual: tuple[str, ...]) -> Iterator[Program]:
    """The step's layers, the bare step and the suite's loop in both precisions.

    Args:
        threads: of each.
        usual: names of usual loops that they are compared with.
    """
    for precision in PRECISIONS:
        setting, end = Setting(threads, precision), f" {precision}{label(threads)}"
        layers, bare = f"layers{end}", f"bare step{end}"
        yield Program(layers, kinds.run_layers, setting)
        yield Program(bare, kinds.run_bare_step, setting, references=(layers, *usual))
        references = (bare, layers, *usual)
        yield Program(f"loop{end}", kinds.run_loop, setting, references=references)


def list_evaluation(threads: int) -> Iterator[Program]:
    """Scoring, which is always in fp32, in batches of several sizes."""
    for size in (SCORED // 4, SCORED, 4 * SCORED):
        setting, end = Setting(threads, scored=size), f" fp32{label(threads)}"
        batches = f", batches of {size:,}"
        forward = f"forward pass{end}{batches}"
        yield Program(forward, kinds.run_forward, setting)
        references = (forward, f"loop{end}")
        name = f"evaluation{end}{batches}"
        yield Program(name, kinds.run_evaluation, setting, references=references)


def list_shared(usual: Program, narrow: list[Program], copies: int) -> Iterator[Program]:
    """Runs of one thread that share the machine: with each other, or with a busy process.

    Args:
        usual: the usual loop.
        narrow: programs of one thread.
        copies: how many run at once.
    """
    name = f"{copies} × usual loop fp32{label(1)}"
    yield replace(usual, name=name, setting=Setting(1), copies=copies, references=(usual.name,))
    for program in narrow:
        if program.run is not kinds.run_layers:
            wide = program.name.replace(label(1), label(copies))
            references = (usual.name, name, wide)
            shared = f"{copies} × {program.name}"
            yield replace(program, name=shared, copies=copies, references=references)
    loop = next(program for program in narrow if program.name == f"loop bf16{label(1)}")
    name = f"{loop.name}, beside a busy process"
    yield replace(loop, name=name, beside_busy=True, references=(loop.name,))


def list_reading(threads: int) -> Iterator[Program]:
    """Reading dSprites from a file: from the system's memory, and from the disk."""
    setting = Setting(threads, source="original")
    yield Program("opening a file of dSprites to first batch", kinds.run_first_batch, setting)
    warm, cold = (f"loop fp32{label(threads)}, {place} file" for place in ("cached", "cold"))
    yield Program(warm, kinds.run_loop, setting)
    yield Program(cold, kinds.run_cold_loop, setting, references=(warm,))


def list_drawing() -> Iterator[Program]:
    """Drawing the images of each dataset, against training on them, on one thread."""
    for dataset in ("dsprites", "shapes3d", "mpi3d"):
        setting, loop = Setting(1, dataset=dataset), f"loop fp32{label(1)}"
        if dataset != "dsprites":
            loop = f"{loop}, {dataset}"
            yield Program(loop, kinds.run_loop, setting)
        drawing = f"drawing {dataset}{label(1)}"
        yield Program(drawing, kinds.run_drawing, setting, references=(loop,))


def choose(programs: list[Program], words: list[str]) -> list[Program]:
    """Programs whose names hold one of some words, and those that they are compared with.

    Args:
        programs: to choose from.
        words: parts of names; none is all.
    """
    named = [program for program in programs if any(word in program.name for word in words)]
    wanted = {program.name for program in named}.union(*(item.references for item in named))
    return [program for program in programs if not words or program.name in wanted]
