"""Ground-truth decoders, composers and supervised encoders."""

import pytest
import torch
from torch.nn import functional

from configs.cnnvae import ARCHITECTURES, ENCODERS
from configs.decoders import DECODERS
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.mixers import mixers

GREY, COLOUR = (1, 64, 64), (3, 64, 64)

#: Counted by running the published code: dSprites, 3DShapes, MPI3D.
PUBLISHED = {
    "higgins": (7_808_896, 17_648_688, 17_649_888),
    "burgess": (182_881, 184_163, 184_419),
    "kim": (380_033, 381_315, 381_571),
    "kim_bn": (430_913, 432_195, 432_451),
    "deep": (2_005_153, 2_006_691, 2_007_203),
    "deep_bn": (2_008_896, 2_010_432, 2_010_944),
}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_decoders_have_the_published_numbers_of_parameters(name, parameters):
    datasets = ((GREY, 5), (COLOUR, 6), (COLOUR, 7))
    built = [count(build_model("decoder", *given, DECODERS[name])) for given in datasets]
    assert tuple(built) == parameters


@pytest.mark.parametrize("shape", [GREY, COLOUR])
@pytest.mark.parametrize("name", DECODERS)
def test_decoders_make_images_of_factor_values(name, shape):
    model = build_model("decoder", shape, 6, DECODERS[name])
    assert model(torch.rand(3, 6)).reconstruction.shape == (3, *shape)
    assert model.image_shape == shape


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_make_factor_values_of_images(name):
    model = build_model("encoder", COLOUR, 6, ENCODERS[name])
    output, target = model(torch.rand(3, *COLOUR)), torch.rand(3, 6)
    expected = functional.mse_loss(output.prediction, target, reduction="none")
    torch.testing.assert_close(output.details(target)["squared_error_per_factor"], expected)
    torch.testing.assert_close(output.nll(target), expected.sum(dim=1) / 2)


@pytest.mark.parametrize(
    ("mixer", "parameters"),
    [
        ("linear", (320, 340, 360)),
        ("interpolation", (260, 270, 280)),
        ("mlp", (4_874, 5_002, 5_130)),
    ],
)
def test_mixers_have_the_published_numbers_of_parameters(mixer, parameters):
    built = []
    for factors in (5, 6, 7):
        section = {**ARCHITECTURES["fast"], "mixer": mixer}
        built.append(count(build_model("composer", GREY, factors, section).mixer))
    assert tuple(built) == parameters


def test_linear_mixer_is_the_sum_of_two_maps():
    mixer = mixers()["linear"](4, 3)
    reference, other, action = torch.rand(2, 4), torch.rand(2, 4), torch.eye(3)[:2]
    maps = [(mixer.from_reference, reference), (mixer.from_other, other)]
    parts = [m.weight[:, :4] @ z.T + m.weight[:, 4:] @ action.T + m.bias[:, None] for m, z in maps]
    torch.testing.assert_close(mixer(reference, other, action), sum(parts).T)


def test_interpolation_mixer_stays_between_both_images():
    torch.manual_seed(0)
    mixer = mixers()["interpolation"](6, 3)
    reference, other = torch.randn(40, 6), torch.randn(40, 6)
    mixed = mixer(reference, other, torch.eye(3)[torch.arange(40) % 3])
    assert (mixed >= torch.minimum(reference, other) - 1e-6).all()
    assert (mixed <= torch.maximum(reference, other) + 1e-6).all()


@pytest.mark.parametrize("mixer", mixers())
def test_composers_encode_both_images_and_score_the_exchanged_factor(mixer):
    section = {**ARCHITECTURES["fast"], "mixer": mixer}
    model = build_model("composer", COLOUR, 6, section).eval()
    reference, other, target = (torch.rand(5, *COLOUR) for _ in range(3))
    factor = torch.tensor([0, 5, 2, 2, 1])
    output = model((reference, other, functional.one_hot(factor, 6).float()))
    assert output.reconstruction.shape == target.shape
    assert output.posterior.mean.shape == (10, 10)
    torch.testing.assert_close(output.posterior.mean[0::2], model.encode(reference).mean)
    torch.testing.assert_close(output.posterior.mean[1::2], model.encode(other).mean)
    details = output.details(target)
    chosen = details["nll_per_factor"]
    assert (~chosen.isnan()).sum(dim=1).tolist() == [1] * 5
    torch.testing.assert_close(chosen.nan_to_num().sum(dim=1), output.nll(target))
    kl = output.posterior.kl_from_standard_normal()
    torch.testing.assert_close(details["kl_per_latent"], (kl[0::2] + kl[1::2]) / 2)


@pytest.mark.parametrize(
    ("family", "section", "message"),
    [
        ("decoder", {}, "no architecture is named"),
        ("decoder", {"decoder": [("linear", (5,))]}, "ends in shape"),
        ("encoder", {}, "no architecture is named"),
        ("composer", {**ARCHITECTURES["fast"], "mixer": "linar"}, "Did you mean 'linear'"),
        (
            "composer",
            {**ARCHITECTURES["fast"], "mixer_params": {"units": 5}},
            "unknown parameter in model.mixer_params",
        ),
        ("decoders", {}, "unknown model family 'decoders'.*Did you mean 'decoder'"),
    ],
)
def test_mistakes(family, section, message):
    with pytest.raises(UsageError, match=message):
        build_model(family, GREY, 5, section)
