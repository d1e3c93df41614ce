"""Within an epoch nothing waits for the device: whatever reads a value lets a GPU run dry."""

import pytest
import torch
from ignite.engine import Events
from torch.utils._python_dispatch import TorchDispatchMode

from configs.cnnvae import ARCHITECTURES
from conftest import read_config
from disentgen.run_directory import RunDirectory
from disentgen.training import run as run_module
from disentgen.training.assembly import assemble
from disentgen.training.divergence import attach_guard
from disentgen.training.losses import losses
from disentgen.training.losses.adversarial import Adversarial
from disentgen.training.run import prepare_training

CUDA = torch.device("cuda")
#: Operations whose result, or its size, must be known before the process goes on.
WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal"}
KINDS = [*((name, "lgm") for name in losses()), ("vae", "composer"), ("nll", "encoder")]


class Waits(TorchDispatchMode):
    """Lists the operations that read values, but for those of some tensors."""

    def __init__(self, exempt):
        super().__init__()
        self.exempt, self.names = exempt, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        masked = function.name() == "aten::index.Tensor" and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        reads = function.name() in WAITING and args[0].data_ptr() not in self.exempt()
        if reads or masked:
            self.names.append(function.name())
        return function(*args, **(kwargs or {}))


def prepare(name, family, folder, device="cpu"):
    model = {key: ARCHITECTURES["fast"][key] for key in ("name", "encoder")}
    config = read_config(
        family,
        dataset={"name": "dsprites", "variant": "shape2tx", "resident": "yes"},
        model=model,
        training={"loss": {"name": name}, "batch_size": 8, "epoch_length": 60, "epochs": 1},
        device=device,
    )
    training = assemble(config)
    return training, prepare_training(training, RunDirectory(folder), ())[0].trainer


def run_steps(trainer, batches, last, begin, end):
    """Run up to a step within an epoch, those after the first between two calls."""

    def stop(engine):
        end()
        engine.terminate()

    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=1), begin)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=last), stop)
    trainer.run(batches.epoch(1), max_epochs=1, epoch_length=len(batches))
    assert trainer.state.iteration == last


@pytest.mark.parametrize(("name", "family"), KINDS)
def test_a_step_reads_no_value(tmp_path, monkeypatch, name, family):
    monkeypatch.setattr(run_module, "attach_guard", lambda trainer, _: attach_guard(trainer, CUDA))
    training, trainer = prepare(name, family, tmp_path)

    def list_steps():
        """Adam counts the discriminator's steps on the CPU, wherever the rest of it is."""
        adversarial = isinstance(training.loss, Adversarial)
        states = training.loss.optimizer.state.values() if adversarial else ()
        return {state["step"].data_ptr() for state in states}

    waits = Waits(list_steps)
    run_steps(
        trainer, training.batches, 3, waits.__enter__, lambda: waits.__exit__(None, None, None)
    )
    assert waits.names == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("name", "family"), [("factor", "lgm"), ("vae", "composer")])
def test_a_step_does_not_wait_for_a_gpu(tmp_path, name, family):
    training, trainer = prepare(name, family, tmp_path, "cuda")
    debug = torch.cuda.set_sync_debug_mode
    try:
        # The guard looks twice.
        run_steps(trainer, training.batches, 55, lambda: debug("error"), lambda: debug("default"))
    finally:
        debug("default")
