"""Models, by family: builders whose signature says what the ``model`` section may hold."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_type_hints

from disentgen.dataset.split import Split
from disentgen.dataset.tasks import Compose, Generate, Infer, Reconstruct, Task
from disentgen.models.base import Model
from disentgen.models.families.composer import Composer, build_composer
from disentgen.models.families.decoder import GroundTruthDecoder, build_ground_truth_decoder
from disentgen.models.families.encoder import FactorEncoder, build_factor_encoder
from disentgen.models.families.lgm import (
    Autoencoder,
    LatentGaussianModel,
    build_latent_gaussian_model,
)
from disentgen.models.layers import Shape
from disentgen.models.outputs import Output
from disentgen.registry import choose
from disentgen.schema import check, signature


class Family(NamedTuple):
    """Models of one kind.

    Args:
        build: makes one from the ``model`` section and what the dataset gives.
        task: what is asked of them.
    """

    build: Callable[..., Model]
    task: type[Task]

    @property
    def output(self) -> type[Output]:
        """The kind of output that they make."""
        return get_type_hints(self.build)["return"].output

    def make_task(self, split: Split, side: str) -> Task:
        """What is asked of a model for images of a side; partners are of the same side.

        Validation images are single images of the held-in side, and take partners from all of it.
        """
        pool = split.indices("held_in" if side == "validation" else side)
        return self.task(split.grid, pool)


FAMILIES = {
    "lgm": Family(build_latent_gaussian_model, Reconstruct),
    "decoder": Family(build_ground_truth_decoder, Generate),
    "composer": Family(build_composer, Compose),
    "encoder": Family(build_factor_encoder, Infer),
}

#: Parameters of builders that the dataset gives and a configuration cannot set.
FROM_DATASET = ("image_shape", "factors")
#: Parameters of builders that are lists of layers.
LAYER_LISTS = ("encoder", "decoder")


def build_model(family: str, image_shape: Shape, factors: int, section: Mapping[str, Any]) -> Model:
    """Build a model of a family from the ``model`` section of a configuration.

    Args:
        family: a key of ``FAMILIES``.
        image_shape: channels, height, width of the dataset's images.
        factors: number of the dataset's factors.
        section: parameters of the family's builder.

    Raises:
        UsageError: a parameter is unknown or unfit, or the layers do not fit the images.
    """
    builder = choose("model family", family, FAMILIES).build
    given = {"image_shape": tuple(image_shape), "factors": factors}
    needed = {name: value for name, value in given.items() if name in signature(builder)}
    return builder(**check("model", builder, {**section, **needed}))


__all__ = [
    "FAMILIES",
    "FROM_DATASET",
    "LAYER_LISTS",
    "Autoencoder",
    "Composer",
    "FactorEncoder",
    "GroundTruthDecoder",
    "LatentGaussianModel",
    "Model",
    "build_model",
]
