"""Compositional consistency by hand, and where it is nothing."""

import pytest
import torch
from torch import nn

from configs.cnnvae import ARCHITECTURES
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.training.losses import build_loss
from disentgen.training.losses.consistency import recombine


def make(latents, **params):
    holder = nn.Module()
    holder.latent_size = latents
    return build_loss("consistency", params, holder, "mse")


def test_slots_are_those_of_other_images_in_their_places():
    latents = torch.arange(12.0).reshape(3, 4)
    expected = torch.tensor([[0.0, 1, 10, 11], [4, 5, 2, 3], [8, 9, 6, 7]])
    assert torch.equal(recombine(latents, 2), expected)
    whole = recombine(latents, 4)
    assert [sorted(column) for column in whole.T.tolist()] == latents.T.tolist()
    assert whole[0].tolist() == [0, 9, 6, 3]


def test_terms_are_those_of_the_formula_computed_step_by_step():
    torch.manual_seed(0)
    model = build_model("lgm", (1, 64, 64), 5, ARCHITECTURES["fast"]).train()
    images = torch.rand(3, 1, 64, 64)
    loss = make(model.latent_size, weight=3, slots=5)
    terms = loss(loss.run(model, images), images, 0)
    means = model.encode(images).mean
    made = torch.sigmoid(model.decode(means))
    gaps = []
    for place in range(3):
        mixed = torch.cat(
            [means[(place - slot) % 3, 2 * slot : 2 * slot + 2] for slot in range(5)]
        ).detach()
        back = model.encode(torch.sigmoid(model.decode(mixed[None]))).mean[0]
        gaps.append(((back - mixed) ** 2).sum())
    gap, cost = sum(gaps) / 3, ((made - images) ** 2).sum() / 3
    torch.testing.assert_close(terms["consistency"], gap)
    torch.testing.assert_close(terms["squared_error"], cost)
    torch.testing.assert_close(terms["loss"], cost + 3 * gap)
    expected = torch.autograd.grad(cost + 3 * gap, list(model.parameters()))
    terms["loss"].backward()
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5)


class Inverse(nn.Module):
    """Logits that are the latents as an image; an encoder that takes logits of pixels."""

    def encode(self, images):
        latents = torch.logit(images).flatten(1)
        return DiagonalGaussian(self.scale * latents, torch.zeros_like(latents))

    def decode(self, latents):
        return latents.reshape(-1, 1, 2, 2)


def test_a_linear_encoder_that_inverts_its_decoder_is_consistent():
    model, loss = Inverse(), make(4)
    images = torch.rand(6, 1, 2, 2, dtype=torch.double) * 0.9 + 0.05
    model.scale = 1.0
    terms = loss(loss.run(model, images), images, 0)
    assert terms["loss"].item() == pytest.approx(0, abs=1e-12)
    model.scale = 0.5
    terms = loss(loss.run(model, images), images, 0)
    expected = (0.25 * recombine(torch.logit(images).flatten(1) / 2, 2).square()).sum(1).mean()
    torch.testing.assert_close(terms["consistency"], expected)


def test_no_gradient_leads_through_the_recombined_latents():
    model = build_model("lgm", (1, 64, 64), 5, ARCHITECTURES["fast"])
    output = make(model.latent_size).run(model, torch.rand(2, 1, 64, 64))
    assert not output.recombined.requires_grad
    assert torch.equal(output.latents, output.posterior.mean)


def test_latents_must_fill_the_slots():
    with pytest.raises(UsageError, match="slots=3: 10 latents cannot be divided"):
        make(10, slots=3)
    with pytest.raises(UsageError, match="slots: input should be greater than or equal to 2"):
        make(10, slots=1)
