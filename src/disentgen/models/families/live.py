"""Models that are objects of a program: trained by it, and built by no configuration.

An object is any ``nn.Module`` with two methods: ``encode`` makes of images (batch, channels,
height, width) in 0..1 a pair (mean, log variance) of its posterior, (batch, latents) each, and
``decode`` makes of latents (batch, latents) the logits of pixels (batch, channels, height, width).
"""

from typing import Any

import torch
from torch import Tensor, nn

from disentgen.dataset.tasks import Reconstruct
from disentgen.errors import UsageError, describe_failure
from disentgen.models.autoencoder import Autoencoder, LatentSize, encode_means, encode_posteriors
from disentgen.models.families.lgm import LatentGaussianOutput, show_reconstructions
from disentgen.models.family import Family
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.layers import ImageShape, Shape
from disentgen.schema import Name

#: Images of the batch that an object is tried with; of a single one, batches cannot be normalised.
TRIED = 2
#: Stands behind the name of an object's class.
MARK = "(not rebuildable)"


class LiveModel(Autoencoder):
    """An object of a program as a Latent Gaussian Model.

    Args:
        network: with the methods ``encode`` and ``decode``; see above.
        image_shape: channels, height, width.

    Raises:
        UsageError: it lacks one of them, or they make something else.
    """

    output = LatentGaussianOutput

    def __init__(self, network: Any, image_shape: Shape):
        nn.Module.__init__(self)
        self._image_shape = tuple(image_shape)
        for method in ("encode", "decode"):
            if not (isinstance(network, nn.Module) and callable(getattr(network, method, None))):
                raise UsageError(
                    f"a model is an nn.Module with methods encode and decode; "
                    f"{type(network).__name__} has no {method}."
                )
        self.network = network
        self._latent_size = self._try()

    @property
    def latent_size(self) -> int:
        return self._latent_size

    @property
    def image_shape(self) -> Shape:
        return self._image_shape

    @property
    def layers(self) -> dict[str, Any]:
        return {}

    def forward(self, images: Tensor) -> LatentGaussianOutput:
        """Images (batch, channels, height, width) in 0..1 to their reconstruction."""
        posterior = self.encode(images)
        latents = posterior.sample() if self.training else posterior.mean
        return LatentGaussianOutput(self.decode(latents), posterior, latents)

    def encode(self, images: Tensor) -> DiagonalGaussian:
        """Images (batch, channels, height, width) in 0..1 to their posterior."""
        mean, log_variance = self.network.encode(images)
        return DiagonalGaussian(mean.float(), log_variance.float())

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (batch, latents) to logits of pixels (batch, channels, height, width)."""
        logits: Tensor = self.network.decode(latents)
        return logits.float()

    def _try(self) -> int:
        """The number of latents, of a batch that is tried; the object stays as it was."""
        parameter = next(self.network.parameters(), torch.empty(0))
        images = torch.zeros(TRIED, *self.image_shape, device=parameter.device)
        was_training = self.network.training
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                self.network.eval()
                posterior = self.encode(images)
                made = tuple(self.decode(posterior.mean).shape)
        except Exception as error:  # code of others raises whatever it likes
            raise UsageError(
                f"{type(self.network).__name__} cannot take images of shape {self.image_shape} "
                f"(channels, height, width): {describe_failure(error)}"
            ) from error
        finally:
            self.network.train(was_training)
        shapes = tuple(posterior.mean.shape), tuple(posterior.log_variance.shape)
        if shapes[0] != shapes[1] or len(shapes[0]) != 2 or shapes[0][0] != TRIED:
            raise UsageError(
                f"encode makes {shapes[0]} and {shapes[1]} of {TRIED} images; a mean and a log "
                "variance of shape (images, latents) are expected."
            )
        if made != images.shape:
            raise UsageError(f"decode makes {made}; expected: {tuple(images.shape)}.")
        return shapes[0][1]


def refuse_live_model(
    image_shape: ImageShape, name: Name | None = None, latent_size: LatentSize = 10
) -> LiveModel:
    """What a run's folder cannot do: build the object again that was trained.

    Args:
        image_shape: channels, height, width.
        name: of the object's class.
        latent_size: number of latents.

    Raises:
        UsageError: always.
    """
    raise UsageError(f"{name}: the model was an object of a program, and is not rebuildable.")


FAMILY = Family(
    name="live",
    title=None,
    model=LiveModel,
    build=refuse_live_model,
    task=Reconstruct,
    examples=show_reconstructions,
    encode=encode_means,
    posterior=encode_posteriors,
)
