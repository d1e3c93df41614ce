import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from configs.cnnvae import ARCHITECTURES
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.summary import describe_model

GREY, COLOUR = (1, 64, 64), (3, 64, 64)

#: Counted by running the published code, with 10 latents. Where the published decoder could not
#: make an image (mpcnn) or had one channel (higgins, mathieu), by hand: see the differences below.
PUBLISHED = {
    ("higgins", GREY): 14_196_516,
    ("burgess", GREY): 502_005,
    ("burgess", COLOUR): 504_055,
    ("burgess_v2", GREY): 895_829,
    ("burgess_v2", COLOUR): 897_879,
    ("kim", GREY): 764_245,
    ("kim", COLOUR): 766_295,
    ("mathieu", GREY): 498_005,
    ("mpcnn", GREY): 1_236_980 + (32 * 9 + 1),
    ("mpcnn", COLOUR): 1_237_556 + (3 * 32 * 9 + 3),
}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def build(name, shape=GREY, **other):
    return build_model("lgm", shape, 5, {**ARCHITECTURES[name], **other})


@pytest.mark.parametrize(("architecture", "parameters"), PUBLISHED.items())
def test_numbers_of_parameters_are_the_published_ones(architecture, parameters):
    assert count(build(*architecture)) == parameters


@pytest.mark.parametrize(("shape", "parameters"), [(GREY, 795_045), (COLOUR, 797_095)])
def test_kim_with_50_latents(shape, parameters):
    assert count(build("kim", shape, latent_size=50)) == parameters


@pytest.mark.parametrize("shape", [GREY, COLOUR])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_reconstructs_every_image_shape(name, shape):
    latents = 8 if name == "additive" else 7
    model = build(name, shape, latent_size=latents)
    output = model(torch.rand(2, *shape))
    assert output.reconstruction.shape == (2, *shape)
    assert output.latents.shape == output.posterior.mean.shape == (2, latents)
    assert model.latent_size == latents


@pytest.mark.parametrize("name", ["higgins", "burgess", "kim", "mathieu"])
def test_other_image_sizes(name):
    model = build(name, (2, 32, 32))
    assert model(torch.rand(1, 2, 32, 32)).reconstruction.shape == (1, 2, 32, 32)


def test_decoder_written_for_another_size_is_refused():
    with pytest.raises(
        UsageError, match=r"ends in shape \(1, 64, 64\), but images .* \(1, 32, 32\)"
    ):
        build("mpcnn", (1, 32, 32))


def test_evaluation_decodes_the_mean_and_training_a_sample():
    model, images = build("fast"), torch.rand(4, *GREY)
    model.eval()
    output = model(images)
    assert torch.equal(output.latents, output.posterior.mean)
    assert torch.equal(output.reconstruction, model(images).reconstruction)
    model.train()
    assert not torch.equal(model(images).latents, model(images).latents)


def test_posterior_agrees_with_torch_distributions():
    torch.manual_seed(0)
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    posterior = DiagonalGaussian(mean, log_variance)
    normal = Normal(mean, (0.5 * log_variance).exp())
    expected = kl_divergence(normal, Normal(torch.zeros(5, 3), torch.ones(5, 3)))
    torch.testing.assert_close(posterior.kl_from_standard_normal(), expected)
    wide = DiagonalGaussian(torch.full((100_000, 1), 2.0), torch.full((100_000, 1), 0.5))
    sample = wide.sample()
    assert abs(sample.mean() - 2) < 0.02
    assert abs(sample.var() - torch.tensor(0.5).exp()) < 0.04
    assert Independent(normal, 1).batch_shape == (5,)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_that_were_built_build_the_same_model(name):
    model = build(name)
    again = build_model("lgm", GREY, 5, {"latent_size": 10, **model.layers})
    again.load_state_dict(model.state_dict())
    images = torch.rand(2, *GREY)
    assert torch.equal(model.eval()(images).reconstruction, again.eval()(images).reconstruction)


def test_building_does_not_change_what_it_is_given():
    section = {**ARCHITECTURES["kim"], "latent_size": 10}
    before = str(section)
    assert count(build_model("lgm", GREY, 5, section)) == count(
        build_model("lgm", GREY, 5, section)
    )
    assert str(section) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latent_size": 0}, "model.latent_size: input should be greater than or equal to 1"),
        ({"latents": 5}, "unknown parameter in model: 'latents'.*Did you mean 'latent_size'"),
        ({"encoder": None}, "no architecture is named"),
        ({"encoder": [("conv", (8, 4))]}, r"ends in shape \(8, 61, 61\); end it with"),
    ],
)
def test_mistakes(change, message):
    with pytest.raises(UsageError, match=message):
        build("kim", **change)


def test_unknown_family():
    with pytest.raises(UsageError, match="unknown model family 'lgn'.*Did you mean 'lgm'"):
        build_model("lgn", GREY, 5, {})


def test_description_adds_up():
    text = describe_model(build("kim"))
    layers = [int(line.split()[-1].replace(",", "")) for line in text.splitlines() if "->" in line]
    assert sum(layers) == 764_245
    assert text.endswith("764,245 parameters")


@pytest.mark.parametrize("mixer", ["linear", "interpolation", "mlp"])
def test_description_of_a_composer_adds_up(mixer):
    section = {**ARCHITECTURES["fast"], "mixer": mixer}
    text = describe_model(build_model("composer", GREY, 5, section))
    *parts, total = [
        int(line.split()[-1].replace(",", "")) if line.startswith("  ") else line
        for line in text.splitlines()
    ]
    assert "mixer:" in parts
    assert total == f"{sum(part for part in parts if isinstance(part, int)):,} parameters"
