"""Additive decoders: sums of their parts, in every form that they are written in."""

import json

import pytest
import torch

from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.layers import BlockSum, Stack, normalise_layers, read_layers, write_layers
from disentgen.models.summary import describe_stack

IMAGE = (3, 64, 64)
INNER = [("linear", 4), ("tanh",), ("linear", 6), ("unflatten", (6, 1, 1))]


def read(*arguments):
    return read_layers("m", [("additive", (INNER, *arguments))], IMAGE)


@pytest.mark.parametrize(
    ("blocks", "parts"),
    [
        (2, [[0, 1, 2], [3, 4, 5]]),
        (6, [[0], [1], [2], [3], [4], [5]]),
        ([[5, 0], [1, 2, 3, 4]], [[5, 0], [1, 2, 3, 4]]),
    ],
)
def test_it_is_the_sum_of_networks_of_the_blocks(blocks, parts):
    torch.manual_seed(0)
    stack, latents = Stack(read(blocks), (6,)), torch.randn(5, 6)
    (summed,) = stack
    assert len(summed) == len(parts)
    expected = torch.zeros(5, 6, 1, 1)
    for network, block in zip(summed, parts, strict=True):
        weights = [module for module in network if isinstance(module, torch.nn.Linear)]
        assert weights[0].weight.shape == (4, len(block))
        hidden = torch.tanh(latents[:, block] @ weights[0].weight.T + weights[0].bias)
        expected += (hidden @ weights[1].weight.T + weights[1].bias)[..., None, None]
    torch.testing.assert_close(stack(latents), expected)
    torch.testing.assert_close(sum(summed.list_parts(latents)), expected)


def test_what_one_block_adds_is_the_same_whatever_the_others_are():
    """Recombination: f(a, b) − f(a', b) does not depend on b."""
    stack = Stack(read(2), (6,)).double()
    a, other, b, c = torch.randn(4, 3, 3, dtype=torch.double)
    gaps = [stack(torch.cat([a, x], 1)) - stack(torch.cat([other, x], 1)) for x in (b, c)]
    torch.testing.assert_close(*gaps)


def test_additive_layers_are_written_read_and_listed_whole():
    layers = read([[2, 0], [1, 3]])
    written = json.loads(json.dumps(write_layers(layers)))
    assert read_layers("m", written, IMAGE) == layers
    assert normalise_layers("m", [("additive", INNER)]) == normalise_layers(
        "m", write_layers(read())
    )
    assert read_layers("m", [("additive", INNER)], IMAGE) == read(2)
    lines = [" ".join(line.split()) for line in describe_stack(Stack(layers, (4,)))]
    assert lines[0] == "additive ((2, 0), (1, 3)) -> 6 × 1 × 1 84"
    assert [line.split()[0] for line in lines[1:]] == 2 * ["linear", "tanh", "linear", "unflatten"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("additive", (INNER, 4))], "6 latents are no 4 blocks of a size"),
        ([("additive", (INNER, 7))], "6 latents are no 7 blocks of a size"),
        ([("additive", (INNER, [[0, 1], [2, 3]]))], "not each of 6 latents .from 0. once"),
        ([("additive", (INNER, [[0, 1, 2], [2, 3, 4, 5]]))], "not each of 6 latents"),
        ([("additive", (INNER, [[0], []]))], "blocks.* at least 1 item"),
        ([("additive", (INNER, 0))], "blocks.* greater than or equal to 1"),
        ([("additive", ([("relu",)], [[0], [1, 2, 3, 4, 5]]))], "cannot be summed"),
        ([("unflatten", (6, 1, 1)), ("additive", (INNER,))], "put .'flatten'"),
    ],
)
def test_mistakes(layers, message):
    with pytest.raises(UsageError, match=message):
        Stack(read_layers("m", layers, IMAGE), (6,))


def test_it_cannot_be_transposed():
    with pytest.raises(UsageError, match="'additive' is a layer of decoders"):
        build_model("lgm", IMAGE, 5, {"encoder": [("flatten",), ("additive", ([("relu",)], 2))]})


@pytest.mark.parametrize(("family", "named"), [("decoder", DECODERS), ("lgm", ARCHITECTURES)])
def test_named_ones_sum_images_or_logits(family, named):
    torch.manual_seed(0)
    model = build_model(family, IMAGE, 10, named["additive"]).eval()
    (summed,) = model.decoder
    assert isinstance(summed, BlockSum)
    latents = torch.randn(2, 10)
    first, second = summed.list_parts(latents)
    expected = first + second
    if family == "decoder":  # the images themselves
        output, target = model(latents), torch.rand(2, *IMAGE)
        torch.testing.assert_close(output.images, expected.clamp(0, 1))
        errors = (expected - target).square().sum(dim=(1, 2, 3))
        torch.testing.assert_close(output.squared_error(target), errors)
    else:
        torch.testing.assert_close(model.decode(latents), expected)
