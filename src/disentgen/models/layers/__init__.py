"""Networks from lists of layers, such as ``[("conv", (32, 4, 2, 1)), ("relu",)]``.

Each kind of layer is a class: its fields are what a list may say, and it knows the shape it makes,
the module it is, and the layer that undoes its shape (its transposition). A kind is found by
standing in ``LAYERS`` of its module in this folder.
"""

from disentgen.models.layers.activations import (
    ExponentialLinearUnit,
    GaussianErrorLinearUnit,
    HyperbolicTangent,
    LeakyRectifier,
    ParametricRectifier,
    Rectifier,
    Sigmoid,
    SigmoidLinearUnit,
)
from disentgen.models.layers.additive import Additive, BlockSum
from disentgen.models.layers.backbone import Backbone
from disentgen.models.layers.base import ImageShape, Layer, LayerList, Penalised, Shape
from disentgen.models.layers.broadcast import SpatialBroadcast
from disentgen.models.layers.codebook import Codebook
from disentgen.models.layers.convolution import (
    Convolution,
    FewChannelUpsampling,
    TransposedConvolution,
)
from disentgen.models.layers.dropout import Dropout
from disentgen.models.layers.imported import Import
from disentgen.models.layers.linear import Linear
from disentgen.models.layers.normalisation import (
    BatchNormalisation,
    GroupNormalisation,
    LayerNormalisation,
)
from disentgen.models.layers.reading import (
    find_layer_lists,
    layer_kinds,
    normalise_layers,
    read_layers,
    write_layers,
)
from disentgen.models.layers.resampling import MaxPooling, Upsampling
from disentgen.models.layers.reshaping import Flattening, Unflattening
from disentgen.models.layers.residual import Residual
from disentgen.models.layers.stack import (
    Stack,
    initialise_weights,
    make_decoder,
    trace_shapes,
    transpose,
)

__all__ = [
    "Additive",
    "Backbone",
    "BatchNormalisation",
    "BlockSum",
    "Codebook",
    "Convolution",
    "Dropout",
    "ExponentialLinearUnit",
    "FewChannelUpsampling",
    "Flattening",
    "GaussianErrorLinearUnit",
    "GroupNormalisation",
    "HyperbolicTangent",
    "ImageShape",
    "Import",
    "Layer",
    "LayerList",
    "LayerNormalisation",
    "LeakyRectifier",
    "Linear",
    "MaxPooling",
    "ParametricRectifier",
    "Penalised",
    "Rectifier",
    "Residual",
    "Shape",
    "Sigmoid",
    "SigmoidLinearUnit",
    "SpatialBroadcast",
    "Stack",
    "TransposedConvolution",
    "Unflattening",
    "Upsampling",
    "find_layer_lists",
    "initialise_weights",
    "layer_kinds",
    "make_decoder",
    "normalise_layers",
    "read_layers",
    "trace_shapes",
    "transpose",
    "write_layers",
]
