"""A family of models: what the rest of the project knows of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from disentgen.dataset.split import Split
from disentgen.dataset.tasks import Task
from disentgen.errors import UsageError
from disentgen.models.base import Model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.layers import Import, find_layer_lists, normalise_layers
from disentgen.models.outputs import ImageOutput, Output
from disentgen.schema import check

#: Parameters of builders that the dataset gives and a configuration cannot set.
FROM_DATASET = ("image_shape", "factor_count", "factor_values")


class Examples(NamedTuple):
    """Images to be shown in rows.

    Args:
        rows: by name, each (images, channels, height, width) in 0..1.
        captions: of the columns, one for each image; none if empty.
    """

    rows: dict[str, Tensor]
    captions: list[str]


@dataclass(frozen=True)
class Family:
    """Models of one kind, from their configuration to what tables and pictures show of them.

    Args:
        name: the word for it in configurations (``model.family``).
        title: what tables call its models; None where they are called by their objective alone.
        model: the class of its models.
        build: makes one from the ``model`` section and what the dataset gives.
        task: what is asked of its models.
        examples: inputs, target, output of a batch and the names of the factors to images to show;
            None where models make no images.
        encode: a model in evaluation mode and images (batch, channels, height, width) in 0..1 to
            their codes (batch, latents); None where images have no codes.
        posterior: the same to the posteriors whose means are the codes; None where codes have no
            variances.
        decode: a model in evaluation mode and what its images are made of, (batch, latents), to
            the images: codes, or factor values where images have no codes; None where models make
            no images.
        complete: a checked ``model`` section to the same with whatever its values bring along.
        experiment: whose runs are of this family where they do not say so themselves, as those of
            earlier versions do not. Lists of runs read it and the name from the source, without
            importing it: both are literals, given by keyword.
        names_objective: whether tables name the objective beside the title.
        scores_all_images: whether models are scored on every image of a side, so that figures can
            show them beside those of other families.
        disentanglement: DCI disentanglement and informativeness where they are known by
            construction.
    """

    name: str
    title: str | None
    model: type[Model]
    build: Callable[..., Model]
    task: type[Task]
    examples: Callable[[Any, Tensor, Any, Sequence[str]], Examples] | None
    encode: Callable[[Any, Tensor], Tensor] | None = None
    posterior: Callable[[Any, Tensor], DiagonalGaussian] | None = None
    decode: Callable[[Any, Tensor], ImageOutput] | None = None
    complete: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    experiment: str | None = None
    names_objective: bool = True
    scores_all_images: bool = True
    disentanglement: float | None = None

    @property
    def output(self) -> type[Output]:
        """The kind of output that its models make."""
        return self.model.output

    @property
    def makes_images(self) -> bool:
        """Whether its models make images, whose NLL is then that of pixels."""
        return issubclass(self.output, ImageOutput)

    @property
    def figure_group(self) -> str | None:
        """A word for the families that figures show together; None where they show none.

        It is empty for all those whose scores are of every image of a side.
        """
        if not self.makes_images:
            return None
        return "" if self.scores_all_images else self.experiment or self.name

    @property
    def layer_lists(self) -> list[str]:
        """The parameters of its builder that are lists of layers."""
        return find_layer_lists(self.build)

    def make_task(self, split: Split, side: str) -> Task:
        """What is asked of a model for images of a side; partners are of the same side.

        Validation images are single images of the held-in side, and take partners from all of it.
        """
        pool = split.indices("held_in" if side == "validation" else side)
        return self.task(split.grid, pool)

    def read_section(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Check a ``model`` section; equal models have equal sections then.

        Args:
            given: its parameters, without the family's name.

        Returns:
            All parameters, layers in the one form that means the same.

        Raises:
            UsageError: a parameter or a layer that is not accepted.
        """
        checked = check("model", self.build, self._read_imported(given), FROM_DATASET)
        for name in self.layer_lists:
            if checked[name] is not None:
                checked[name] = normalise_layers(f"model.{name}", checked[name])
        return self.complete(checked)

    def _read_imported(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A section in which import paths have become lists of a layer, with their parameters."""
        section = dict(given)
        for name in self.layer_lists:
            params = section.pop(f"{name}_params", None)
            if isinstance(section.get(name), str) and section[name] != "null":
                section[name] = [[Import.name, [section[name], params]]]
            elif params is not None:
                raise UsageError(
                    f"model.{name}_params goes with an import path: "
                    f"model.{name}=my_package.nets:{name.title()}."
                )
        return section

    def name_model(self, objective: str) -> str:
        """What tables call a model of this family.

        Args:
            objective: what models trained by its objective are called.
        """
        if self.title is None:
            return objective
        return f"{self.title} ({objective})" if self.names_objective else self.title
