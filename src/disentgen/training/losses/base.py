"""What all objectives have in common."""

import inspect
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.models.outputs import Output
from disentgen.training.schedules import Step

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Reconstruction = Literal["bce", "mse"]
PairKL = Literal["sum", "mean"]
#: The parts of an objective by name, () each or with a value for each latent.
Terms = dict[str, Tensor]


class Loss(nn.Module):
    """An objective; its ``state_dict`` holds all that resuming needs."""

    #: The word for it in configurations.
    name: ClassVar[str]
    #: What models trained by it are called; the class's name by default.
    title: ClassVar[str]
    #: The parameter whose value their label goes on with, as in ``β-VAE 8``; none by default.
    named_by: ClassVar[str | None] = None
    #: The kind of output that it can judge.
    judges: ClassVar[type[Output]] = AutoencoderOutput
    #: The smallest batch that the objective can be computed on.
    minimum_batch: ClassVar[int] = 1
    #: Whether the KL from the prior is a part of it.
    counts_kl: ClassVar[bool] = True
    #: Whether it trains posteriors' variances; where not, nothing is said of posteriors.
    trains_variances: ClassVar[bool] = True
    #: Whether it wants images together with partners that differ from them in one factor.
    paired: ClassVar[bool] = False
    #: How a reconstruction is judged: ``bce`` by its NLL, ``mse`` by its squared error.
    reconstruction: Reconstruction = "bce"
    #: How the KL of several images that are encoded for one target counts.
    pair_kl: PairKL = "sum"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # Not the title of the objective that it extends.
        cls.title = cls.__dict__.get("title", cls.__name__)
        if cls.named_by is not None and cls.named_by not in inspect.signature(cls).parameters:
            raise TypeError(f"{cls.__name__}.named_by = '{cls.named_by}' is none of its parameters")

    def run(self, model: nn.Module, inputs: Any) -> Any:
        """The model's output that is to be judged.

        Args:
            model: on the device of the inputs, in training mode.
            inputs: of a batch, as its task makes them.
        """
        return model(inputs)

    def forward(self, output: Any, target: Tensor, step: Step) -> Terms:
        """The terms of the objective at a training step, the weighted total as ``loss``.

        Args:
            output: of the model, for a batch.
            target: what it should have made; images are (batch, channels, height, width) in 0..1.
            step: number of training steps before this one, for schedules; a tensor, (), where
                training is compiled.

        Returns:
            Terms by name, in nats per image: () each, or (latents,) of those of each latent.
        """
        raise NotImplementedError

    def after_step(self, output: Any) -> Terms:
        """Whatever else must learn once the model has been updated.

        Returns:
            Terms to be logged, a scalar each, or (latents,) of those of each latent.
        """
        return {}

    def judge(self, output: Output, target: Tensor) -> tuple[Tensor, Terms]:
        """What the reconstruction costs, averaged over the batch: a scalar, and it under its name.

        Args:
            output: of the model, for a batch.
            target: what it should have made.
        """
        if self.reconstruction == "bce":
            cost = output.nll(target).mean()
            return cost, {"nll": cost}
        cost = output.squared_error(target).mean()
        return cost, {"squared_error": cost}

    def cost_kl(self, output: AutoencoderOutput, mean: Tensor) -> Tensor:
        """What a KL costs for each target, from its mean over the images that were encoded.

        Composers encode two images for each target; the published objective sums over both.

        Args:
            output: of the model, for a batch.
            mean: the KL, in nats per encoded image, a scalar.
        """
        return mean * output.encoded_images if self.pair_kl == "sum" else mean


def kl_terms(output: AutoencoderOutput, part: slice = slice(None)) -> Terms:
    """KL from the standard normal, in nats: of all latents, (), and of each, (latents,).

    Args:
        output: of the model, for a batch.
        part: of the batch, over which the mean is taken; all of it by default.
    """
    kl = output.posterior.kl_from_standard_normal()[part].mean(dim=0)
    return {"kl": kl.sum(), "kl_per_latent": kl}
