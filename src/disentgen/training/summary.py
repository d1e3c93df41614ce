"""A training in a few lines."""

import inspect
from collections.abc import Mapping
from typing import Any

from disentgen.runs import flatten
from disentgen.training.losses import losses


def describe_training(config: Mapping[str, Any]) -> str:
    """The objective as its class explains it, then every setting."""
    training = config["training"]
    settings = flatten({"training": training})
    width = max(map(len, settings))
    lines = [f"{key:<{width}}  {value}" for key, value in settings.items()]
    return "\n".join([inspect.getdoc(losses()[training["loss"]["name"]]) or "", "", *lines])
