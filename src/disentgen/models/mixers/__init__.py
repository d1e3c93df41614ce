"""Mixers: from the latents of two images and an action to those of the target.

A mixer is a file in this folder that exports its class as ``MIXER``.
"""

from collections.abc import Mapping
from typing import Any

from disentgen.models.mixers.base import Mixer
from disentgen.registry import choose, load_records
from disentgen.schema import check, plain

#: Parameters of mixers that come from the model.
SUPPLIED = ("latent_size", "factor_count")


def mixers() -> dict[str, type[Mixer]]:
    """All mixers, by the word for them."""
    return {kind.name: kind for kind in load_records(__name__, "MIXER").values()}


def resolve_mixer(mixer: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a mixer as plain data, its defaults filled in.

    Raises:
        UsageError: there is no such mixer, or it does not take these parameters.
    """
    kind = choose("mixer (model.mixer)", mixer, mixers())
    return plain(kind, check("model.mixer_params", kind, params or {}, supplied=SUPPLIED))


__all__ = ["Mixer", "mixers", "resolve_mixer"]
