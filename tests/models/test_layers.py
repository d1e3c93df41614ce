import copy
import json
import sys
from math import prod

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

import disentgen.models.layers as package
from configs.cnnvae import ARCHITECTURES
from disentgen.errors import UsageError
from disentgen.models.layers import (
    Convolution,
    FewChannelUpsampling,
    Flattening,
    HyperbolicTangent,
    Layer,
    Linear,
    MaxPooling,
    Rectifier,
    Stack,
    layer_kinds,
    normalise_layers,
    read_layers,
    trace_shapes,
    transpose,
    write_layers,
)
from disentgen.models.summary import describe_stack

IMAGE = (3, 64, 64)
convolutions = st.builds(
    Convolution,
    channels=st.integers(1, 6),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
)


@settings(deadline=None)
@given(
    st.integers(1, 3),
    st.tuples(st.integers(6, 20), st.integers(6, 20)),
    st.lists(convolutions | st.builds(MaxPooling, st.integers(1, 3)), min_size=1, max_size=3),
)
def test_shapes_are_those_of_the_modules_and_transposition_leads_back(channels, size, layers):
    shape = (channels, *size)
    try:
        shapes = trace_shapes(layers, shape)
    except UsageError:
        assume(False)
    stack = Stack(layers, shape)
    made = stack(torch.zeros(2, *shape))
    assert made.shape[1:] == stack.output_shape == shapes[-1]
    transposed = transpose(layers, shape)
    assert read_layers("decoder", write_layers(transposed), shape) == transposed
    back = Stack(transposed, stack.output_shape)
    assert back(made).shape[1:] == back.output_shape == shape


def test_transposition_reverses_a_whole_encoder():
    layers = [Convolution(8, 3, 1, 1), MaxPooling(2), Rectifier(), Flattening(), Linear(32)]
    names = [layer.name for layer in transpose(layers, (1, 8, 8))]
    assert names == ["linear", "unflatten", "relu", "upsample", "tconv"]
    assert Stack(transpose(layers, (1, 8, 8)), (32,)).output_shape == (1, 8, 8)


def test_transposed_layers_have_a_bias_whatever_the_others_have():
    assert Linear(4, bias=False).transposed((7,)) == Linear(7)


@pytest.mark.parametrize("channels", [1, 3])
def test_few_channel_upsampling_is_the_transposed_convolution(channels):
    fast = FewChannelUpsampling(8, channels, 4, 2, 1).double()
    plain = nn.ConvTranspose2d(8, channels, 4, 2, 1).double()
    plain.load_state_dict(fast.state_dict())
    inputs = torch.randn(2, 8, 5, 7, dtype=torch.double)
    weights = torch.randn(2, channels, 10, 14, dtype=torch.double)
    made, expected = fast(inputs), plain(inputs)
    torch.testing.assert_close(made, expected)
    (made * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad)
    torch.testing.assert_close(fast.bias.grad, plain.bias.grad)


def test_relu_overwrites_what_it_may():
    after = [Linear(6), HyperbolicTangent(), Rectifier(), Linear(6), Rectifier(), Rectifier()]
    torch.manual_seed(0)
    stack = Stack([Rectifier(), *after], (5,)).double()
    assert [module.inplace for module in stack if isinstance(module, nn.ReLU)] == [
        False, False, True, False,
    ]  # fmt: skip
    inputs = torch.randn(7, 5, dtype=torch.double, requires_grad=True)
    given = inputs.detach().clone()
    assert torch.autograd.gradcheck(stack, inputs)
    assert torch.equal(inputs, given)
    made, outputs = stack(inputs), inputs
    for module in stack:
        outputs = F.relu(outputs) if isinstance(module, nn.ReLU) else module(outputs)
    assert torch.equal(made, outputs)


ADDED = {
    ("leaky_relu", (0.2,)): nn.LeakyReLU(0.2),
    ("gelu",): nn.GELU(),
    ("silu",): nn.SiLU(),
    ("tanh",): nn.Tanh(),
    ("sigmoid",): nn.Sigmoid(),
    ("elu",): nn.ELU(),
    ("groupnorm", (2,)): nn.GroupNorm(2, 4),
    ("layernorm",): nn.LayerNorm((4, 3, 3)),
    ("dropout", (0.0,)): nn.Identity(),
    ("relu",): nn.ReLU(),
}


class Plain(nn.Sequential):
    """Modules one after the other, their input added."""

    def forward(self, inputs):
        return inputs + super().forward(inputs)


def assert_same_network(written, plain):
    """A stack and plain modules give the same values and gradients, and the input is kept."""
    stack = Stack(read_layers("m", written, (4, 3, 3)), (4, 3, 3)).double()
    weights = zip(plain.state_dict(), stack.state_dict().values(), strict=True)
    plain.double().load_state_dict(dict(weights))
    torch.manual_seed(0)
    given = torch.randn(2, 4, 3, 3, dtype=torch.double)
    results = []
    for network in (stack, plain):
        inputs = given.clone().requires_grad_()
        made = network(inputs)
        made.square().sum().backward()
        assert torch.equal(inputs, given)
        gradients = [parameter.grad for parameter in network.parameters()]
        results.append([made, inputs.grad, *gradients])
    assert all(map(torch.equal, *results))


@pytest.mark.parametrize("layer", ADDED)
def test_layers_beside_a_relu_have_the_gradients_of_torchs_modules(layer):
    """A ReLU may overwrite what stands before it, wherever that is not needed any more."""
    conv = ("conv", (4, 3, 1, 1))
    module, relu = ADDED[layer], nn.ReLU

    def make():
        return nn.Conv2d(4, 4, 3, 1, 1)

    written = [conv, layer, ("relu",), ("residual", [layer, ("relu",), conv, ("relu",)]), ("relu",)]
    inner = Plain(copy.deepcopy(module), relu(), make(), relu())
    assert_same_network(written, nn.Sequential(make(), module, relu(), inner, relu()))
    for ends in ([("relu",)], [("relu",), conv, layer]):
        modules = [relu(), make(), copy.deepcopy(module)][: len(ends)]
        nested = Plain(relu(), Plain(*modules), relu(), make())
        inside = [("relu",), ("residual", (ends,)), ("relu",), conv]
        assert_same_network([conv, ("residual", inside)], nn.Sequential(make(), nested))


def test_relu_overwrites_the_sum_that_a_residual_layer_makes_but_not_its_input():
    layers = read_layers(
        "m", [("linear", 4), ("residual", [("relu",), ("linear", 4)]), ("relu",)], IMAGE
    )
    _, block, last = Stack(layers, (4,))
    assert last.inplace and not block.body[0].inplace


def test_dropout_leaves_out_and_scales_up_in_training_alone():
    (layer,) = read_layers("m", [("dropout", (0.25,))], IMAGE)
    stack = Stack([layer], (1000,))
    made = stack(torch.ones(10, 1000))
    assert made.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (made == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert stack.eval()(torch.ones(10, 1000)).unique().tolist() == [1]


def test_residual_layers_are_written_read_and_transposed_whole():
    inner = [("conv", (4, 3, 1, 1)), ("groupnorm", 2), ("silu",), ("residual", [("dropout",)])]
    encoder = [("conv", (4, 4, 2, 1)), ("residual", inner), ("flatten",)]
    normal = normalise_layers("m", encoder)
    assert normal[1][1] == [[["conv", [4, 3, 1, 1]], ["groupnorm", [2]], ["silu"],
                             ["residual", [[["dropout"]]]]]]  # fmt: skip
    assert normalise_layers("m", normal) == normal
    layers = read_layers("m", encoder, IMAGE)
    assert read_layers("m", normal, IMAGE) == layers
    assert read_layers("m", json.loads(json.dumps(write_layers(layers))), IMAGE) == layers
    back = transpose(layers, IMAGE)
    assert [layer.name for layer in back[1].layers] == ["residual", "silu", "groupnorm", "tconv"]
    assert Stack(back, (4 * 32 * 32,)).output_shape == IMAGE
    (filled,) = read_layers("m", [("residual", [("conv", ("image", 3, 1, 1))])], IMAGE)
    assert filled.layers == (Convolution(3, 3, 1, 1),)


def test_layers_inside_a_residual_one_are_listed_below_it():
    layers = read_layers("m", [("residual", [("conv", (3, 3, 1, 1)), ("relu",)])], IMAGE)
    lines = [" ".join(line.split()) for line in describe_stack(Stack(layers, IMAGE))]
    assert lines == [
        "residual -> 3 × 64 × 64 84", "conv 3, 3, 1, 1 -> 3 × 64 × 64 84", "relu -> 3 × 64 × 64 0",
    ]  # fmt: skip


def nest(depth):
    return ("residual", [nest(depth - 1)]) if depth else ("relu",)


def test_lists_and_tuples_both_name_layers_and_stay_as_they_are():
    written = [["conv", [32, 4, 2, 1]], ("relu",), ["flatten"], ("linear", 10)]
    before = str(written)
    layers = read_layers("model.encoder", written, IMAGE)
    assert layers == [Convolution(32, 4, 2, 1), Rectifier(), Flattening(), Linear(10)]
    assert str(written) == before


def test_broadcast_repeats_latents_beside_their_coordinates():
    (layer,) = read_layers("d", [("broadcast",)], (3, 4, 5))
    made = Stack([layer], (2,))(torch.tensor([[7.0, 8.0]]))
    assert made.shape == (1, 4, 4, 5)
    assert (made[0, 0] == 7).all() and (made[0, 1] == 8).all()
    assert made[0, 2, :, 0].tolist() == pytest.approx([-1, -1 / 3, 1 / 3, 1])
    assert made[0, 3, 0].tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1])
    with pytest.raises(UsageError, match="'broadcast' is a layer of decoders"):
        transpose([layer], (2,))


def test_layers_without_bias():
    output = ("tconv", ("image", 4, 2, 1, (0, 0), False))
    layers = read_layers("d", [("linear", (8, False)), ("unflatten", (2, 2, 2)), output], (1, 4, 4))
    stack = Stack(layers, (3,))
    assert sum(parameter.numel() for parameter in stack.parameters()) == 3 * 8 + 2 * 16
    assert stack(torch.zeros(1, 3)).abs().sum() == 0


def test_image_stands_for_what_the_image_has():
    written = [("linear", ("image",)), ("unflatten", ("image",))]
    assert Stack(read_layers("d", written, IMAGE), (7,)).output_shape == IMAGE
    (layer,) = read_layers("d", [("tconv", ("image", 4, 2, 1))], IMAGE)
    assert layer.channels == 3


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("convv", (3, 4))], "unknown layer in m.0.: 'convv'.*Did you mean 'conv'"),
        ([("conv", (3,))], "m.0. 'conv'.kernel is missing"),
        ([("conv", ("many", 4))], "'conv'.channels"),
        ([("relu", (1, 2))], "'relu' takes no arguments"),
        (["conv"], "a layer is written"),
        ([5], "a layer is written"),
        ([("unflatten",)], "'unflatten'.shape is missing"),
        ([("conv", (3, 4, 0))], "'conv'.stride: input should be greater than or equal to 1"),
        ([("linear", (5,))], "cannot take shape .3, 64, 64.: put .'flatten',. before it"),
        ([("flatten",), ("conv", (3, 4))], "needs channels, height, width"),
        ([("conv", (3, 99))], "nothing is left"),
        ([("flatten",), ("unflatten", (7, 7))], "12288 features cannot be laid out as .7, 7."),
        ([("groupnorm", 2)], "3 cannot be divided into 2 groups"),
        ([("flatten",), ("groupnorm", 12288)], "a single value, normalised on its own"),
        ([("flatten",), ("linear", 1), ("layernorm",)], "a single value, normalised on its own"),
        ([("dropout", 1)], "'dropout'.p: input should be less than 1"),
        ([("leaky_relu", -1)], "'leaky_relu'.slope"),
        ([("residual",)], "'residual'.layers is missing"),
        ([("residual", ([],))], "'residual'.layers.* at least 1 item"),
        ([("residual", "relu")], "'residual'.layers: input should be a valid tuple; given: 'relu'"),
        ([("residual", [("conv", (9, 3))])], "'residual', .* make .9, 62, 62. of it, which cannot"),
        (
            [("residual", [("relu",), ("linear", 9)])],
            "'residual',.* layer 1, 'linear', .*.'flatten",
        ),
        ([("relu",), ("residual", [("rely",)])], "layer in m.1..layers.0.: 'rely'.* 'relu'"),
        ([nest(11)], "layers are nested more than 10 times"),
    ],
)
def test_mistakes(layers, message):
    with pytest.raises(UsageError, match=message):
        Stack(read_layers("m", layers, IMAGE), IMAGE)


def test_every_kind_of_layer_has_a_word():
    assert set(layer_kinds()) >= {
        "conv", "tconv", "linear", "maxpool", "upsample", "flatten", "unflatten", "relu", "tanh",
        "batchnorm", "broadcast", "leaky_relu", "gelu", "silu", "sigmoid", "groupnorm", "layernorm",
        "dropout", "residual", "elu", "additive",
    }  # fmt: skip
    assert prod(IMAGE) == 12_288


def test_every_kind_of_layer_is_found_in_its_module_under_a_word_of_its_own():
    modules = [module for name, module in sys.modules.items() if name.startswith(package.__name__)]
    kinds = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Layer) and kind is not Layer
    }
    assert set(layer_kinds().values()) == kinds
    assert len({kind.name for kind in kinds}) == len(kinds)


CELU = """
from dataclasses import dataclass
from torch import nn
from disentgen.models.layers import Layer

@dataclass(frozen=True)
class Exponential(Layer):
    name = "celu"
    input_axes = 2
    alpha: float = 0.1

    def module(self, shape):
        return nn.CELU(self.alpha)

LAYERS = (Exponential,)
"""


def test_a_kind_of_layer_is_one_file(add_module):
    add_module(package, "exponential", CELU)
    (layer,) = read_layers("m", [("celu", (0.5,))], IMAGE)
    assert Stack([layer], (1, 1))(torch.tensor([[[-99.0]]])).item() == -0.5
    assert normalise_layers("m", [("celu", ("0.1",))]) == [["celu"]]
    with pytest.raises(UsageError, match="'celu', cannot take shape .*: it takes .* 2 axes"):
        Stack([layer], (4,))


def test_corners_stay_where_they_are_in_the_named_mpcnn_alone():
    """A line of 0 and 1, doubled: ends on its corners, or half a pixel inside them."""
    line = torch.tensor([0.0, 1.0]).expand(1, 1, 2, 2)
    made = {
        aligned: Stack(read_layers("", [("upsample", (2, None, aligned))], IMAGE), (1, 2, 2))(line)
        for aligned in (True, False)
    }
    torch.testing.assert_close(made[True][0, 0, 0], torch.tensor([0, 1 / 3, 2 / 3, 1]))
    torch.testing.assert_close(made[False][0, 0, 0], torch.tensor([0, 0.25, 0.75, 1]))
    named = read_layers("", ARCHITECTURES["mpcnn"]["decoder"], IMAGE)
    assert {layer.align_corners for layer in named if layer.name == "upsample"} == {True}
    pooled = transpose([MaxPooling(2)], IMAGE)[0]
    assert not pooled.align_corners
    assert not read_layers("", [("upsample", (2,))], IMAGE)[0].align_corners


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_in_their_one_form_are_the_same_layers(name):
    encoder = ARCHITECTURES[name]["encoder"]
    normal = normalise_layers("", encoder)
    assert read_layers("", normal, IMAGE) == read_layers("", encoder, IMAGE)
    assert normalise_layers("", write_layers(read_layers("", encoder, IMAGE))) == normal
    assert normalise_layers("", [("upsample", ("2", None, False)), ["conv", [8, 4.0, 1, 0]]]) == [
        ["upsample"],
        ["conv", [8, 4]],
    ]
