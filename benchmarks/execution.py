"""Ways to execute an update: those of the suite, and captured ones, which it has not got yet.

A captured update is recorded once and replayed. On a CUDA GPU it is a CUDA graph. Elsewhere the
same operations are recorded by a trace and replayed one after the other, which gains nothing and
shows the same: what changes from step to step and is no tensor stays as it was when recorded.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from disentgen.dataset.batches import Batch
from disentgen.training.losses import Terms
from disentgen.training.schedules import Step
from disentgen.training.update import OPTIONS, Compiler, Update

#: Steps that are executed before one is recorded: they create what optimisers and libraries keep.
WARM_UP = 3

Work = Callable[[], Terms]


class Recorder(Protocol):
    """Makes steps, and records one."""

    def warm_up(self, work: Work) -> Terms:
        """Make a step as it will be recorded."""
        ...

    def record(self, work: Work) -> tuple[Terms, Work]:
        """Make a step, and give its terms and what makes more like it."""
        ...


class GraphRecorder:
    """Records CUDA graphs."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def warm_up(self, work: Work) -> Terms:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            terms = work()
        torch.cuda.current_stream().wait_stream(self._stream)
        return terms

    def record(self, work: Work) -> tuple[Terms, Work]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            terms = work()

        def replay() -> Terms:
            graph.replay()
            return terms

        return replay(), replay


class TraceRecorder:
    """Records operations, whatever they are on; noise is drawn anew when they are replayed."""

    def warm_up(self, work: Work) -> Terms:
        return work()

    def record(self, work: Work) -> tuple[Terms, Work]:
        made: list[Terms] = []

        def make() -> Terms:
            made.append(work())
            return made[0]

        replay: Work = make_fx(make)()
        return made[0], replay


class CapturedUpdate(Update):
    """An update that is recorded in its fourth step; all batches are of one shape.

    Args:
        update: that has made no step yet; its optimisers must be Adam or AdamW.
        recorder: of steps.
    """

    def __init__(self, update: Update, recorder: Recorder):
        super().__init__(
            update.model, update.loss, update.optimizer, update.precision, update.device
        )
        own = [part for part in vars(update.loss).values() if isinstance(part, torch.optim.Adam)]
        for optimizer in (update.optimizer, *own):
            keep_on_device(optimizer, update.device)
        self._recorder, self._warmed = recorder, 0
        self._batch: Batch | None = None
        self._step = torch.zeros((), dtype=torch.int64, device=update.device)
        self._replay: Work | None = None

    def __call__(self, batch: Batch, step: Step) -> Terms:
        if self._batch is None:
            self._batch = map_tensors(torch.clone, batch)
        map_tensors(Tensor.copy_, self._batch, batch)
        self._step.fill_(step)
        if self._replay is not None:
            return self._replay()
        if self._warmed < WARM_UP:
            self._warmed += 1
            return self._recorder.warm_up(self._work)
        terms, self._replay = self._recorder.record(self._work)
        return terms

    def _work(self) -> Terms:
        assert self._batch is not None
        return super().__call__(self._batch, self._step)


def keep_on_device(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Let an Adam that has made no step yet read its learning rate and count its steps there."""
    for group in optimizer.param_groups:
        rate = torch.tensor(float(group["lr"]), device=device)
        group |= {"lr": rate, "capturable": True, "fused": True}


def map_tensors(function: Callable[..., Tensor], *nested: Any) -> Any:
    """Call a function with tensors, or in turn with those of equally nested tuples."""
    if isinstance(nested[0], Tensor):
        return function(*nested)
    return tuple(map_tensors(function, *parts) for parts in zip(*nested, strict=True))


def capture(update: Update) -> Update:
    """The update, captured."""
    recorder = GraphRecorder() if update.device.type == "cuda" else TraceRecorder()
    return CapturedUpdate(update, recorder)


def compile_by(compiler: Compiler, update: Update) -> Update:
    """The update, compiled.

    Args:
        compiler: of it.
        update: that is compiled.
    """
    parts = (update.model, update.loss, update.optimizer, update.precision, update.device)
    return Update(*parts, compiler, update.clip_norm)


#: What a training's update is replaced by. ``traced`` is as far as compiling goes before code is
#: generated; ``graphs`` replays what is compiled by CUDA graphs.
EXECUTIONS: dict[str, Callable[[Update], Update]] = {
    "traced": partial(compile_by, partial(torch.compile, backend="eager", dynamic=False)),
    "graphs": partial(
        compile_by,
        partial(torch.compile, dynamic=False, options=OPTIONS | {"triton.cudagraphs": True}),
    ),
    "captured": capture,
}
