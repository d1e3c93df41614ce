"""Inversion by search: linear decoders whose latents are known, and runs of every family."""

import json
from types import SimpleNamespace

import pytest
import torch

from analysis.measure import main
from conftest import REPOSITORY
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements import inversion
from disentgen.analysis.measurements.inversion import find_latents, search_latents
from disentgen.analysis.places import Place
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(inversion, "STEPS", 3)
    monkeypatch.setattr(inversion.search_latents, "__defaults__", (3, inversion.RATE))


def test_known_latents_of_a_linear_decoder_are_found():
    torch.manual_seed(0)
    weights, latents = torch.randn(4, 30), torch.randn(5, 4) * torch.tensor([1, 2, 0.5, 1])
    target = latents @ weights

    def cost(tried):
        return (tried @ weights - target.repeat(len(tried) // 5, 1)).square().sum(1)

    starts = latents + torch.randn(3, 5, 4)
    found = search_latents(cost, starts, latents.std(dim=0), steps=200)
    torch.testing.assert_close(found.latents, latents, atol=0.01, rtol=0)
    torch.testing.assert_close(found.cost, cost(found.latents))
    # A part of an image that no latents make is what is left.
    basis = torch.linalg.qr(weights.T).Q
    off = torch.randn(5, 30)
    target = target + off - off @ basis @ basis.T
    found = search_latents(cost, starts, latents.std(dim=0), steps=200)
    torch.testing.assert_close(found.latents, latents, atol=0.02, rtol=0)
    left = (off - off @ basis @ basis.T).square().sum(1)
    torch.testing.assert_close(found.cost, left, rtol=1e-3, atol=0)


def test_the_best_of_all_steps_and_starts_is_kept_for_each_image():
    """A cost with two valleys, (z² − 1)² + 0.3·z, of which the left one is deeper."""

    def cost(tried):
        return ((tried**2 - 1) ** 2 + 0.3 * tried).squeeze(1)

    starts = torch.tensor([[[1.0], [-1.0]], [[-1.1], [0.9]]])
    found = search_latents(cost, starts, torch.ones(1))
    assert (found.latents < -0.9).all()
    # Steps that lead away are not taken: a start that is the best one stays.
    exact = search_latents(
        lambda tried: tried.abs().squeeze(1), torch.zeros(1, 2, 1), torch.ones(1)
    )
    assert exact.cost.tolist() == [0, 0]
    assert exact.latents.tolist() == [[0], [0]]
    still = search_latents(cost, starts[:1], torch.zeros(1))
    assert torch.equal(still.latents, starts[0])


@pytest.mark.parametrize("name", ["disent/1", "decoders/1", "composition/mlp"])
def test_runs_of_every_family_that_decodes_are_inverted_the_same_way_twice(name, tmp_path, short):
    run = open_run(EARLIER / name)
    measured = Measurements(run, 4)
    measured.place = Place(tmp_path)
    found = measured.get("inversion")
    assert list(found) == ["validation", "held_out"]
    for side, result in found.items():
        assert result["images"] == 4
        kind = (
            "squared_error" if run.config["training"]["loss"]["reconstruction"] == "mse" else "nll"
        )
        assert result[f"{kind}_found"] <= result[f"{kind}_own"]
        indices = run.split.sample(side, 4)
        output = run.model.decode if hasattr(run.model, "decode") else run.model.decoder
        with torch.no_grad():
            images = torch.sigmoid(output(find_latents(run, indices)))
        errors = (images - run.dataset.observe().images(indices)).square().sum(dim=(1, 2, 3))
        assert result["squared_error_own"] == pytest.approx(errors.mean().item(), rel=1e-5)
    again = Measurements(run, 4)
    again.place = Place(tmp_path / "again")
    assert again.get("inversion") == found


def test_it_is_measured_on_request_alone_and_stands_in_tables_then(tmp_path, short):
    measured = Measurements(open_run(EARLIER / "decoders" / "1"), 3)
    measured.place = Place(tmp_path)
    assert not [key for key in measured.results() if key.startswith("inversion")]
    asked = measured.get("inversion", "held_out")
    assert measured.results()["inversion_held_out"] == asked
    assert "inversion_validation" not in measured.results()
    assert not Measurements(open_run(EARLIER / "supervised" / "1")).applies("inversion")


def test_the_command_measures_and_prints(tmp_path, short, monkeypatch, capsys):
    monkeypatch.setattr("disentgen.analysis.measure.choose_place", lambda *_: Place(tmp_path))
    path = EARLIER / "decoders" / "1"
    main(["inversion", str(path), "--images", "2"])
    line = json.loads(capsys.readouterr().out)
    assert line["run"] == str(path)
    assert line["inversion"]["held_out"]["images"] == 2
    with pytest.raises(SystemExit, match="2"):
        main(["inversion"])


@pytest.mark.parametrize(
    ("family", "decoder", "can"),
    [("decoder", [["linear", [8]]], True), ("decoder", [["one_hot", [28]], ["linear", [8]]], False),
     ("lgm", [["linear", [8]]], True), ("encoder", None, False)],
)  # fmt: skip
def test_what_has_no_gradient_is_not_inverted(family, decoder, can):
    run = SimpleNamespace(family=family, config={"model": {"decoder": decoder}})
    assert inversion.can_be_inverted(run) is can
