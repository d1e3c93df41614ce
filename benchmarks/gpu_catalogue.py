"""Which programs are measured on a GPU, and what each is compared with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch

from meter import Meter
from programs import run_bare_step, run_loop
from setting import WORKS, Figures, Setting
from turns import Program

#: The end of the name of a program that is measured for longer.
STEADY = ", steady"


def measure_on_device(
    run: Callable[[Setting, Meter], Figures], setting: Setting, meter: Meter
) -> Figures:
    """What a program gives, the cores and the GPU memory that it used, and its images in a step.

    Args:
        run: the program.
        setting: that it works on.
        meter: of the process.
    """
    on_gpu = setting.device.startswith("cuda")
    if on_gpu:
        meter.settle = torch.cuda.synchronize
    figures = run(setting, meter)
    reserved = torch.cuda.max_memory_reserved() / 1e6 if on_gpu else 0.0
    return {**figures, "cores": meter.cores, "gpu_megabytes": reserved, "step": meter.step}


BARE, LOOP = (partial(measure_on_device, run) for run in (run_bare_step, run_loop))


def list_programs(base: Setting, compiled: Sequence[str], copies: Sequence[int]) -> list[Program]:
    """All programs in the order in which they are measured: what must not be left out comes first.

    Args:
        base: what is common to all.
        compiled: executions that compile a step.
        copies: numbers of processes that share the GPU.
    """
    works = [replace(base, work=work) for work in WORKS]
    first, *further = compiled
    return [
        *list_alone(works),
        *list_steady(works, "captured"),
        *(make_loop(replace(work, execution=first)) for work in works),
        *list_shared(base, "captured", copies),
        *list_variants(base, "captured"),
        *list_steady(works, "eager"),
        *list_steady(works, first),
        *(make_loop(replace(work, execution=other)) for other in further for work in works),
        *list_shared(base, "eager", copies),
        *list_variants(base, "eager"),
    ]


def make_bare(setting: Setting) -> Program:
    """A bare step, against the captured one."""
    name = name_program("bare step", setting)
    captured = name_program("bare step", replace(setting, execution="captured"))
    return Program(name, BARE, setting, references=(captured,) if name != captured else ())


def make_loop(setting: Setting) -> Program:
    """The suite's loop, against the captured bare step and the eager loop."""
    captured, eager = (replace(setting, execution=other) for other in ("captured", "eager"))
    references = [name_program("bare step", captured)]
    if setting.execution != "eager":
        references.append(name_program("loop", eager))
    return Program(name_program("loop", setting), LOOP, setting, references=tuple(references))


def list_alone(works: Sequence[Setting]) -> Iterator[Program]:
    """Bare steps and loops, captured and eager, each alone on the GPU.

    Args:
        works: what is trained.
    """
    for work in works:
        captured, eager = (replace(work, execution=other) for other in ("captured", "eager"))
        yield from (make_bare(captured), make_bare(eager), make_loop(eager), make_loop(captured))


def list_steady(works: Sequence[Setting], execution: str) -> Iterator[Program]:
    """Loops that are measured for longer.

    Args:
        works: what is trained.
        execution: of their steps.
    """
    for work in works:
        loop = make_loop(replace(work, execution=execution))
        yield replace(loop, name=loop.name + STEADY)


def list_shared(base: Setting, execution: str, copies: Sequence[int]) -> Iterator[Program]:
    """Several processes at once on one GPU, against one.

    Args:
        base: what is trained.
        execution: of a step.
        copies: how many at once.
    """
    setting = replace(base, execution=execution)
    for number in copies:
        for alone in (make_bare(setting), make_loop(setting)):
            name = f"{number} × {alone.name}"
            yield replace(alone, name=name, copies=number, references=(alone.name,))


def list_variants(base: Setting, execution: str) -> Iterator[Program]:
    """The loop in bf16, and where every batch is sent to the GPU, against the plain loop.

    Args:
        base: what is trained.
        execution: of a step.
    """
    plain = replace(base, execution=execution)
    for setting in (replace(plain, precision="bf16"), replace(plain, resident="no")):
        references = (name_program("loop", plain),)
        yield Program(name_program("loop", setting), LOOP, setting, references=references)


def name_program(what: str, setting: Setting) -> str:
    """The name of a program: what runs, how, and on what.

    Args:
        what: the kind of program.
        setting: that it works on.
    """
    low = " bf16" if setting.precision == "bf16" else ""
    sent = ", batches sent" if setting.resident == "no" else ""
    return f"{what} {setting.execution}{low}, {setting.work}{sent}"
