"""What models make, and how likely it says the truth is."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Likelihood = Literal["bernoulli", "gaussian"]


def bernoulli_nll(logits: Tensor, images: Tensor) -> Tensor:
    """Negative log-likelihood of images under independent Bernoulli pixels, in nats: (batch,)."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


def bernoulli_entropy(images: Tensor) -> Tensor:
    """Entropy of images read as Bernoulli probabilities, in nats: (batch,)."""
    if torch.equal(images, images.round()):  # binary: logarithms would take 5 % of scoring
        return images.new_zeros(len(images))
    entropy = -(torch.xlogy(images, images) + torch.xlogy(1 - images, 1 - images))
    return entropy.flatten(1).sum(1)


@dataclass(frozen=True)
class Output:
    """What a model makes of a batch; every kind of output knows how it is to be scored."""

    #: What NLL is in.
    unit: ClassVar[str] = "nats per image"
    #: Whether it is made from a sample of a posterior in training, and from its mean in evaluation.
    sampled: ClassVar[bool] = False
    #: Images for each target whose posterior it holds; 0 for models without one.
    encoded_images: ClassVar[int] = 0

    def nll(self, target: Tensor) -> Tensor:
        """Negative log-likelihood of what should have been made, in nats: (batch,)."""
        raise NotImplementedError

    def floor(self, target: Tensor) -> Tensor:
        """What no model's NLL of the target can fall below: (batch,)."""
        raise NotImplementedError

    def squared_error(self, target: Tensor) -> Tensor:
        """Sum of squared differences from the target: (batch,)."""
        raise NotImplementedError

    def details(self, target: Tensor) -> dict[str, Tensor]:
        """More that is to be averaged over images, each (batch, n); NaN where it does not apply.

        Names that end in ``_per_factor`` have a column for each factor.
        """
        return {}

    def posterior_means(self, target: Tensor) -> Tensor:
        """Of all images that were encoded, (images, latents); no latents without a posterior."""
        return target.new_zeros((len(target), 0))

    def summarise(self, means: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What the means of the details over images come to.

        Args:
            means: of :meth:`details` by name, (n,) each, in double precision.

        Returns:
            Details that are kept, (n,) each, and single scores, () each.
        """
        return means, {}


@dataclass(frozen=True)
class ImageOutput(Output):
    """Images.

    Args:
        reconstruction: logits of pixels, (batch, channels, height, width).
    """

    reconstruction: Tensor

    @property
    def images(self) -> Tensor:
        """(batch, channels, height, width) in 0..1: the probabilities of the pixels."""
        return torch.sigmoid(self.reconstruction)

    def nll(self, target: Tensor) -> Tensor:
        return bernoulli_nll(self.reconstruction, target)

    def floor(self, target: Tensor) -> Tensor:
        return self.floor_of(target)

    @classmethod
    def floor_of(cls, images: Tensor) -> Tensor:
        """What no model's NLL of images (batch, channels, height, width) falls below: (batch,)."""
        return bernoulli_entropy(images)

    def squared_error(self, target: Tensor) -> Tensor:
        """Of sigmoid(reconstruction), so that a model trained by it can be scored by NLL.

        The published code squares the difference of the raw output from the image.
        """
        return (self.images - target).square().flatten(1).sum(1)

    @classmethod
    def constant_nll(cls, mean: Tensor, mean_square: Tensor) -> Tensor:
        """Mean NLL of images, (), if the mean of them all is made of each.

        The Bernoulli NLL is linear in the scored image, so that this is the entropy of the mean.

        Args:
            mean: of the images, (channels, height, width).
            mean_square: of the squares of their pixels, likewise.
        """
        return bernoulli_entropy(mean[None])[0]


@dataclass(frozen=True)
class GaussianImageOutput(ImageOutput):
    """Images as the means of Gaussians of variance 1, which need not lie in 0..1.

    Args:
        reconstruction: means of pixels, (batch, channels, height, width).
    """

    # Their NLL is without its constant.
    unit: ClassVar[str] = "nats + constant"

    @property
    def images(self) -> Tensor:
        """(batch, channels, height, width) in 0..1: the means, cut off there."""
        return self.reconstruction.clamp(0, 1)

    def nll(self, target: Tensor) -> Tensor:
        """Half the squared error: the Gaussian's NLL without its constant."""
        return 0.5 * self.squared_error(target)

    @classmethod
    def floor_of(cls, images: Tensor) -> Tensor:
        return images.new_zeros(len(images))

    def squared_error(self, target: Tensor) -> Tensor:
        """Of the means themselves, in 0..1 or not."""
        return (self.reconstruction - target).square().flatten(1).sum(1)

    @classmethod
    def constant_nll(cls, mean: Tensor, mean_square: Tensor) -> Tensor:
        return 0.5 * (mean_square - mean.square()).sum()


@dataclass(frozen=True)
class FactorOutput(Output):
    """Factor values.

    Args:
        prediction: (batch, factors), the means of Gaussians of variance 1.
        variances: (factors,) of the factors' values over the grid; None where they are not known.
    """

    # Their NLL is without its constant.
    unit: ClassVar[str] = "nats + constant"

    prediction: Tensor
    variances: Tensor | None = None

    @property
    def factors(self) -> tuple[int, ...]:
        """Positions on the grid of the factors that the columns of the prediction are of."""
        return tuple(range(self.prediction.shape[1]))

    def nll(self, target: Tensor) -> Tensor:
        """Half the squared error: the Gaussian's NLL without its constant."""
        return 0.5 * self.squared_error(target)

    def floor(self, target: Tensor) -> Tensor:
        return torch.zeros(len(target), device=target.device)

    def squared_error(self, target: Tensor) -> Tensor:
        return (self.prediction - target).square().sum(1)

    def details(self, target: Tensor) -> dict[str, Tensor]:
        return {"squared_error_per_factor": (self.prediction - target).square()}

    def summarise(self, means: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """R² besides: 1 − squared error / variance, of each factor, and its mean over factors.

        The variance is that over the whole grid, not over the side that is scored (Schott et al.
        2022, equation 1). A factor of one value has none.
        """
        if self.variances is None:
            return means, {}
        variances = self.variances.to(means["squared_error_per_factor"])
        r2 = 1 - means["squared_error_per_factor"] / variances.where(variances > 0, torch.nan)
        known = r2[~r2.isnan()]
        return means | {"r2_per_factor": r2}, {"r2": known.mean()} if len(known) else {}


#: What is said of pixels, by the word for it in configurations.
LIKELIHOODS: dict[Likelihood, type[ImageOutput]] = {
    "bernoulli": ImageOutput,
    "gaussian": GaussianImageOutput,
}
