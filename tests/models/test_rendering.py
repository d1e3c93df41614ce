"""Codes of factor values and the rendering layer, beside sums written out."""

import numpy as np
import pytest
import torch
from torch import nn

from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.layers import Penalised, Stack, read_layers, transpose
from disentgen.models.outputs import GaussianImageOutput, ImageOutput


def make_layer(name, *arguments, shape):
    (layer,) = read_layers("model.decoder", [(name, arguments)], (1, 4, 4))
    stack = Stack([layer], shape)
    return layer, stack


def test_one_hot_codes_are_rows_of_the_identity():
    _, stack = make_layer("one_hot", 5, shape=(2,))
    values = torch.tensor([[0.0, 4.0], [2.0, 2.0]])
    identity = torch.eye(5)
    wanted = torch.stack([torch.cat([identity[0], identity[4]]), identity[2].repeat(2)])
    assert stack.output_shape == (10,)
    assert torch.equal(stack(values), wanted)


@pytest.mark.parametrize("wrong", [-1.0, 5.0, 0.5])
def test_values_without_a_place_are_refused(wrong):
    _, stack = make_layer("one_hot", 5, shape=(2,))
    with pytest.raises(UsageError, match=rf"whole numbers in 0\.\.4; one is {wrong:g}\."):
        stack(torch.tensor([[1.0, wrong]]))


def test_gaussian_codes_are_gaussians_about_the_value():
    _, stack = make_layer("gaussian_code", 6, 1.5, shape=(2,))
    made = stack(torch.tensor([[1.0, 4.5]]))[0].tolist()
    wanted = [np.exp(-((value - place) ** 2) / 4.5) for value in (1.0, 4.5) for place in range(6)]
    assert made == pytest.approx(wanted, rel=1e-6)


@pytest.fixture
def renderer():
    torch.manual_seed(0)
    _, stack = make_layer("rendering", 5, 4, 2.0, 0.5, shape=(15,))
    assert stack.output_shape == (3, 4, 4)
    return stack[0].double()


def normalise(vectors, axis):
    return vectors / np.sqrt((vectors**2).sum(axis=axis, keepdims=True))


def test_pictures_are_sums_over_tokens_written_out(renderer):
    codes = torch.randn(2, 15, dtype=torch.float64)
    made = renderer(codes).detach().numpy()
    values, left, right = (
        part.detach().numpy() for part in (renderer.values, renderer.left, renderer.right)
    )
    for image, code in enumerate(codes.numpy().reshape(2, 3, 5)):
        for factor in range(3):
            mixed = [sum(code[factor, token] * part[factor, token] for token in range(5))
                     for part in (values, left, right)]  # fmt: skip
            columns, rows = normalise(mixed[1], 0), normalise(mixed[2], 1)
            wanted = sum(
                mixed[0][rank] * np.outer(columns[:, rank], rows[rank]) for rank in range(4)
            )
            assert made[image, factor] == pytest.approx(wanted, abs=1e-12)


def test_a_token_alone_has_its_own_picture_whatever_the_length_of_its_vectors(renderer):
    code = torch.zeros(1, 15, dtype=torch.float64)
    code[0, [1, 5 + 2, 10]] = 1
    before = renderer(code)
    with torch.no_grad():
        renderer.left *= torch.rand(3, 5, 1, 4, dtype=torch.float64) + 0.5
        renderer.right *= torch.rand(3, 5, 4, 1, dtype=torch.float64) + 0.5
    assert torch.allclose(renderer(code), before, atol=1e-12)


def test_penalties_in_closed_form(renderer):
    values, left, right = (
        part.detach().numpy() for part in (renderer.values, renderer.left, renderer.right)
    )
    entropy = variance = 0.0
    for factor in range(3):
        for token in range(5):
            shares = values[factor, token] ** 2 / (values[factor, token] ** 2).sum()
            entropy -= (shares * np.log(shares)).sum()
            variance += sum(np.var(left[factor, token][:, rank], ddof=1) for rank in range(4))
            variance += sum(np.var(right[factor, token][rank], ddof=1) for rank in range(4))
    assert renderer.penalty().item() == pytest.approx(2 * entropy + 0.5 * variance, rel=1e-12)


def test_the_smallest_penalties_are_those_of_stripes(renderer):
    with torch.no_grad():
        renderer.values.zero_()[..., 0] = 3.0
        renderer.left.fill_(0.5)
        renderer.right.fill_(0.5)
    assert renderer.penalty().item() == pytest.approx(0, abs=1e-4)
    code = torch.zeros(1, 15, dtype=torch.float64)
    code[0, ::5] = 1
    assert torch.allclose(renderer(code), torch.full((1, 3, 4, 4), 0.75, dtype=torch.float64))


def test_initial_weights_are_of_unit_length_and_their_own_spread():
    torch.manual_seed(1)
    _, stack = make_layer("rendering", 32, 32, shape=(64,))
    layer = stack[0]
    assert torch.allclose(layer.left.norm(dim=-2), torch.ones(2, 32, 32))
    assert torch.allclose(layer.right.norm(dim=-1), torch.ones(2, 32, 32))
    assert layer.values.std().item() == pytest.approx(32**-0.5, rel=0.05)
    assert layer.penalty().item() == 0  # weights of penalties are 0 unless given


@pytest.mark.parametrize("name", ["one_hot", "gaussian_code", "rendering"])
def test_they_are_of_decoders_alone(name):
    layer, _ = make_layer(name, 2, *([4] if name == "rendering" else []), shape=(2,))
    with pytest.raises(UsageError, match=f"'{name}' is a layer of decoders"):
        transpose([layer], (2,))


def test_features_that_are_no_codes_are_refused():
    with pytest.raises(UsageError, match="14 features are no codes of 5 places each"):
        make_layer("rendering", 5, 4, shape=(14,))


def make_decoder(likelihood):
    section = {"decoder": [("linear", ("image",)), ("unflatten", ("image",))]}
    return build_model("decoder", (1, 4, 4), 2, {**section, "likelihood": likelihood})


def test_gaussian_pixels_are_judged_by_the_raw_output():
    torch.manual_seed(0)
    model, values = make_decoder("gaussian"), torch.randn(3, 2)
    output, target = model(values), torch.rand(3, 1, 4, 4)
    raw = model.decoder(values)
    assert isinstance(output, GaussianImageOutput) and model.output is GaussianImageOutput
    square = ((raw - target) ** 2).sum(dim=(1, 2, 3))
    assert torch.allclose(output.squared_error(target), square)
    assert torch.allclose(output.nll(target), square / 2)
    assert (output.floor(target) == 0).all()
    assert (raw < 0).any() and output.images.min() == 0


def test_pixels_are_bernoulli_by_default_and_a_section_says_which_without_a_model():
    model = make_decoder("bernoulli")
    assert type(model(torch.randn(1, 2))) is ImageOutput
    assert type(model).find_output({}) is ImageOutput
    assert type(model).find_output({"likelihood": "gaussian"}) is GaussianImageOutput


@pytest.mark.parametrize("kind", [ImageOutput, GaussianImageOutput])
def test_the_mean_image_is_scored_as_an_output_that_makes_it_is(kind):
    images = torch.rand(6, 1, 4, 4, dtype=torch.float64)
    mean = images.mean(0)
    raw = torch.logit(mean) if kind is ImageOutput else mean
    nll = kind(raw.expand_as(images)).nll(images).mean()
    made = kind.constant_nll(mean, images.square().mean(0))
    assert made.item() == pytest.approx(nll.item(), rel=1e-9)


def test_a_layer_has_no_penalty_unless_it_says_so():
    assert not any(isinstance(part, Penalised) for part in make_decoder("gaussian").modules())
    with pytest.raises(NotImplementedError):
        Penalised().penalty()
    assert issubclass(Penalised, nn.Module)
