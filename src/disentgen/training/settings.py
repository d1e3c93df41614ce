"""Settings of a training: the ``training`` section, and what stands beside the sections."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic import dataclasses as pydantic_dataclasses

from disentgen.schema import Count, Key, plain
from disentgen.training.loggers import Names
from disentgen.training.losses import PairKL, Reconstruction, check_loss, losses

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Execution = Literal["eager", "compiled"]
#: Settings that have no influence on what a training comes to, or only by rounding.
OF_KEEPING = Key(distinguishes=False, may_change=True)
#: Settings of how a finished model is scored: runs that differ in them are of one cell.
OF_SCORING = Key(distinguishes=False, may_change=True)


@pydantic_dataclasses.dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LossChoice:
    """An objective by name.

    Args:
        name: which.
        params: its parameters that differ from its defaults.
        reconstruction: ``bce`` trains by the NLL of pixels, ``mse`` by their squared error; scores
            are by NLL either way. For that the output goes through a sigmoid in ``mse`` too, where
            the published code compares the raw output with the image.
        pair_kl: for composers, whose targets have two images encoded: the objective counts the
            ``sum`` of both images' KL, as published, or their ``mean``. Other models have one
            image for each target, and no such setting.
    """

    name: str = "vae"
    params: dict[str, Any] = Field(default_factory=dict)
    reconstruction: Reconstruction = "bce"
    pair_kl: PairKL | None = None


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained and scored.

    Args:
        loss: the objective.
        epochs: how many.
        epoch_length: batches in an epoch; by default as many as fill the training images.
        batch_size: images in a batch.
        optimizer: an optimiser of ``torch.optim``, in lower case.
        optimizer_params: its parameters other than the learning rate.
        lr: learning rate.
        lr_decay: factor on the learning rate after every epoch, as the schedule ``exponential`` has
            it; none by default.
        schedule: of the learning rate, which moves on after every epoch: one of
            ``torch.optim.lr_scheduler``, in lower case and without ``LR``, as ``cosineannealing``;
            none by default. An objective's discriminator keeps its own rate.
        schedule_params: its parameters, as in ``training.schedule_params.gamma=0.5``; ``T_max`` of
            ``cosineannealing`` is the number of epochs by default.
        warmup_steps: over so many steps the learning rate rises in a straight line to what it would
            be; none by default.
        clip_norm: gradients of the model are scaled down to this norm where theirs, over all
            weights, is larger; none by default. The history has their mean norm before that, as
            ``train.gradient_norm``. A discriminator's are left as they are.
        ema: weights are validated, selected, scored and kept as an exponential moving average over
            steps with this decay, such as 0.999, and those of batch normalisation with them;
            training goes on with the weights themselves. The first 1 / (1 - decay) steps have equal
            shares, so that the initial weights have none. None by default.
        early_stopping: stop after so many epochs without a better validation NLL.
        select: whose weights are kept and scored: ``best`` those of the epoch with the lowest
            validation NLL, ``last`` those of the last epoch.
        precision: ``bf16`` runs encoder and decoder in bfloat16; everything else stays float32.
        execution: ``compiled`` runs each step's forward and backward pass as code that PyTorch
            compiles for them at the start, in a minute or so; ``eager`` one operation after the
            other. The noise is the same, and results are up to rounding.
        validation_images: how many are scored after each epoch, as a limit; null is all.
        oracle_images: how many held-out images are scored after each epoch, as a limit, so that the
            results say which epoch other rules of selection would have chosen, the held-out side
            itself among them; null scores none. What is kept and scored does not depend on it.
        score_images: how many of each side are scored at the end, as a limit; null is all.
        score_samples: draws from the posterior of each image, for ELBO and importance-weighted NLL
            at the end, of Latent Gaussian Models and up to 1,000 images of each side; null leaves
            both out.
        find_duplicates: count the validation and held-out images that are identical to a training
            image, at the end. The first time on a machine all images of a dataset are compared:
            seconds for dSprites, minutes for MPI3D.
        checkpoint_minutes: how often a training is saved inside an epoch. Finished epochs are saved
            at most once a minute, or as often as this, and the last one always; null saves nothing
            but these. Ctrl-C and signals save the last step, whatever this is.
        keep_checkpoint: keep what the training goes on from once its results are written; without
            it a finished run can be scored again, but not trained further.
        loggers: where the curves of the history go beside the run's own files: any of
            ``tensorboard``, ``wandb``, ``mlflow``, as in ``training.loggers=[tensorboard,wandb]``.
    """

    loss: LossChoice = LossChoice()
    epochs: Annotated[Count, Key(may_change=True)] = 30
    epoch_length: Count | None = None
    batch_size: Count = 64
    optimizer: str = "adam"
    optimizer_params: dict[str, Any] | None = None
    lr: Positive = 1e-4
    lr_decay: Positive | None = None
    schedule: str | None = None
    schedule_params: dict[str, Any] | None = None
    warmup_steps: Count | None = None
    clip_norm: Positive | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    early_stopping: Count | None = None
    select: Literal["best", "last"] = "best"
    precision: Literal["fp32", "bf16"] = "fp32"
    execution: Annotated[Execution, OF_KEEPING] = "eager"
    validation_images: Count | None = 5_000
    oracle_images: Annotated[Count | None, OF_SCORING] = None
    score_images: Annotated[Count | None, OF_SCORING] = 20_000
    score_samples: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, OF_SCORING] = 16
    find_duplicates: Annotated[bool, OF_SCORING] = True
    checkpoint_minutes: Annotated[Positive | None, OF_KEEPING] = 10.0
    keep_checkpoint: Annotated[bool, OF_KEEPING] = True
    loggers: Annotated[Names, OF_KEEPING] = ()

    def resolve_loss(self) -> dict[str, Any]:
        """The objective's parameters as plain data, its defaults filled in."""
        checked = check_loss(self.loss.name, self.loss.params)
        return plain(losses()[self.loss.name], checked)


@dataclass(frozen=True)
class ProcessSettings:
    """What stands beside the sections.

    Args:
        seed: of weights, batches and noise; drawn where none is given.
        device: ``auto`` (``cuda`` where there is one, else ``cpu``), ``cpu``, ``cuda`` or ``mps``.
        threads: of the CPU; by default one for each core that the process may use.
    """

    # Sacred draws from NumPy's generator too, which takes no larger one.
    seed: Annotated[
        Annotated[int, Field(ge=0, lt=2**32, strict=True)] | None, Key(distinguishes=False)
    ] = None
    device: Annotated[str, Key(distinguishes=False, may_change=True)] = "auto"
    threads: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None, Key(distinguishes=False, may_change=True)
    ] = None
