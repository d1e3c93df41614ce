"""The files of an exported model, and what they hold."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, Strict, StrictStr

from disentgen.paths import EXPORTED
from disentgen.saved import SavedModel

#: Weights by name, as safetensors.
WEIGHTS = EXPORTED
#: What the weights are to be loaded into, and how they were trained.
CONFIG = "config.json"
CARD = "README.md"
#: Changes with what ``config.json`` holds.
FORMAT = 1


class SavedWeights(BaseModel):
    """The file of weights.

    Args:
        sha256: of the file.
    """

    sha256: Annotated[StrictStr, Field(max_length=64)]


class SavedExport(BaseModel):
    """``config.json`` of an exported model; what else stands in it is for its readers.

    Args:
        format: of this file.
        model: as in ``model.json`` of a run.
        weights: that belong to it.
        run: configuration and results, from which nothing is computed.
    """

    format: Annotated[int, Strict()]
    model: SavedModel
    weights: SavedWeights
    run: dict[str, Any] = {}
