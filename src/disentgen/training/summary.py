"""A training in a few lines."""

import inspect

from disentgen.schema import flatten
from disentgen.training.config import Config
from disentgen.training.losses import losses


def describe_training(config: Config) -> str:
    """The objective as its class explains it, then every setting."""
    settings = flatten({"training": config.plain()["training"]})
    width = max(map(len, settings))
    lines = [f"{key:<{width}}  {value}" for key, value in settings.items()]
    return "\n".join([inspect.getdoc(losses()[config.training.loss.name]) or "", "", *lines])
