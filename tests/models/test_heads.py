"""Heads of supervised encoders: losses, predictions and accuracies by hand."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from configs.backbones import BACKBONES
from configs.cnnvae import ENCODERS
from disentgen.dataset.batches import Observations
from disentgen.dataset.images import Images
from disentgen.dataset.spec import find_spec
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.heads import Heads
from disentgen.models.outputs import FactorOutput
from disentgen.models.summary import describe_model

GREY, COLOUR = (1, 64, 64), (3, 64, 64)
VALUES = {"shape": (1.0, 2.0, 4.0), "angle": (0.0, 1.0), "size": (-1.0, 0.0, 3.0)}
TARGET = torch.tensor([[2.0, 1.0, 3.0], [4.0, 0.0, -1.0]])


def make_output():
    """Classes of shape, values of size; angle is not asked for."""
    heads = Heads({"size": "values", "shape": "classes"}, VALUES)
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]])
    return heads(torch.cat([logits, torch.tensor([[1.6], [-0.6]])], dim=1)), logits


def test_nll_is_cross_entropy_of_classes_and_half_the_squared_error_of_values():
    output, logits = make_output()
    cross = functional.cross_entropy(logits, torch.tensor([1, 2]), reduction="none")
    squared = torch.tensor([(1.6 - 3.0) ** 2, (-0.6 + 1.0) ** 2])
    torch.testing.assert_close(output.nll(TARGET), cross + squared / 2)
    assert output.floor(TARGET).tolist() == [0, 0]


def test_predictions_are_expectations_and_values():
    output, logits = make_output()
    expected = logits.softmax(1) @ torch.tensor([1.0, 2.0, 4.0])
    torch.testing.assert_close(output.prediction[:, 0], expected)
    assert output.prediction[:, 1].tolist() == pytest.approx([1.6, -0.6])
    assert output.factors == (0, 2)
    errors = (expected - torch.tensor([2.0, 4.0])).square() + torch.tensor([1.96, 0.16])
    torch.testing.assert_close(output.squared_error(TARGET), errors)


def test_accuracy_is_of_the_most_probable_class_and_of_the_nearest_value():
    output, _ = make_output()
    details = output.details(TARGET)
    # 1.6 is nearer to 3 than to 0; -0.6 to -1.
    assert details["accuracy_per_factor"][:, [0, 2]].tolist() == [[1, 1], [0, 1]]
    assert details["accuracy_per_factor"][:, 1].isnan().all()
    assert details["joint_accuracy"].tolist() == [[1], [0]]
    assert details["squared_error_per_factor"][:, 1].isnan().all()


def test_the_most_probable_class_need_not_be_the_nearest_to_the_expectation():
    heads = Heads({"shape": "classes"}, VALUES)
    output = heads(torch.tensor([[2.0, -9.0, 1.9]]))  # the mean of 1 and 4 is nearer to 2
    target = torch.tensor([[1.0, 0.0, 0.0]])
    assert output.find_classes(output.prediction).item() == 1
    assert output.details(target)["joint_accuracy"].item() == 1


def test_r2_is_relative_to_the_variance_over_the_grid():
    output, _ = make_output()
    means = {name: value.double().mean(0) for name, value in output.details(TARGET).items()}
    details, single = output.summarise(means)
    shape_error, _, size_error = means["squared_error_per_factor"].tolist()
    shape, size = 1 - shape_error / np.var(VALUES["shape"]), 1 - size_error / np.var(VALUES["size"])
    assert details["r2_per_factor"][[0, 2]].tolist() == pytest.approx([shape, size])
    assert details["r2_per_factor"][1].isnan()
    assert single["r2"].item() == pytest.approx((shape + size) / 2)
    assert single["joint_accuracy"].item() == 0.5
    assert "joint_accuracy" not in details


def test_r2_of_values_alone_is_1_of_the_truth_and_0_of_the_mean():
    truth = torch.tensor([[0.0, 1.0], [2.0, 5.0]], dtype=torch.float64)
    variances = torch.tensor([1.0, 4.0])
    for prediction, wanted in ((truth, 1.0), (truth.mean(0).expand(2, 2), 0.0)):
        output = FactorOutput(prediction, variances)
        means = {name: value.mean(0) for name, value in output.details(truth).items()}
        assert output.summarise(means)[1]["r2"].item() == pytest.approx(wanted)
    assert FactorOutput(truth).summarise({})[1] == {}


def test_a_factor_of_one_value_has_no_r2():
    output = FactorOutput(torch.zeros(2, 2), torch.tensor([0.0, 1.0]))
    means = {"squared_error_per_factor": torch.tensor([0.0, 0.25])}
    details, single = output.summarise(means)
    assert details["r2_per_factor"][0].isnan() and single["r2"].item() == 0.75


@pytest.mark.parametrize("standardise", [False, True])
def test_classes_of_every_image_follow_from_its_factor_values(standardise):
    grid = find_spec("dsprites").grid
    indices = np.random.default_rng(0).integers(0, grid.size, 500)
    images = Images((64, 64, 1), 1, "stand-in", lambda wanted: None)
    values = Observations(images, grid, torch.device("cpu"), standardise).factor_values(indices)
    tables = grid.list_values(standardise)
    heads = Heads(dict.fromkeys(grid.names, "classes"), tables)
    output = heads(torch.zeros(len(values), sum(grid.sizes)))
    assert np.array_equal(output.find_classes(values), grid.classes(indices))


def build(section, shape=GREY, values=VALUES):
    return build_model("encoder", shape, len(values), section, values)


@pytest.mark.parametrize(
    ("name", "shape"), [("resnet18", COLOUR), ("mlp", GREY), ("mlp", COLOUR), ("ed", GREY)]
)
def test_networks_make_the_heads_that_are_asked_for(name, shape):
    model = build({"heads": "classes", **BACKBONES[name]}, shape).eval()
    output = model(torch.rand(2, *shape))
    assert [part.shape[1] for part in output.parts] == [3, 2, 3]
    assert model.image_shape == shape
    again = build({**BACKBONES[name], "heads": "classes", **model.layers}, shape)
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again.eval()(torch.ones(1, *shape)).prediction,
                               model(torch.ones(1, *shape)).prediction)  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), [("resnet18", 11_176_512),
                                                  ("densenet121", 6_953_856)])  # fmt: skip
def test_backbones_are_torchvisions_without_their_classifier(name, parameters):
    """Counts of torchvision 0.2x: 11,689,512 less 513,000, and 7,978,856 less 1,025,000."""
    with torch.device("meta"):
        model = build({**BACKBONES[name], "heads": {"angle": "classes"}}, COLOUR)
    counts = [p.numel() for p in model.encoder[0].parameters()]
    assert sum(counts) == parameters
    assert "backbone" in describe_model(model)


def test_backbones_keep_their_own_initial_weights():
    """A first convolution of another number of channels is drawn as its network has it."""
    torch.manual_seed(0)
    weights = build({**BACKBONES["resnet18"], "heads": "classes"}).encoder[0].network.conv1.weight
    # Normal, of variance 2 / (outputs · kernel).
    assert weights.shape == (64, 1, 7, 7)
    assert weights.std().item() == pytest.approx(math.sqrt(2 / (64 * 49)), rel=0.05)
    assert weights.abs().max() > math.sqrt(3) * weights.std()  # no uniform distribution has these


def test_separate_networks_share_no_weight():
    section = {**ENCODERS["fast"], "heads": "classes", "separate": True}
    model = build(section).train()
    output = model(torch.rand(2, *GREY))
    output.parts[0].sum().backward()
    touched = {name for name, weight in model.named_parameters() if weight.grad.any()}
    assert touched and all(name.startswith("encoder.0.") for name in touched)
    assert [name for name, _ in describe(model)] == ["encoder[0]", "encoder[1]", "encoder[2]"]


def describe(model):
    from disentgen.models.summary import list_parts

    return [pair for pair in list_parts(model) if pair[0] != "heads"]


def test_heads_of_values_are_as_they_were():
    """The same weights as without the values of factors, which earlier runs do not know."""
    models = []
    for values in (None, VALUES):
        torch.manual_seed(0)
        models.append(build_model("encoder", GREY, 3, ENCODERS["fast"], values))
    first, second = (model.state_dict() for model in models)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"heads": {"shap": "classes"}}, "unknown factor in model.heads: 'shap'.*'shape'"),
        ({"heads": {}}, "asks for no factor"),
        ({"heads": "class"}, "model.heads"),
        ({"readout": "codebook"}, "model.heads=classes .* model.separate=True"),
        ({"nominal": ["shape"]}, "goes with model.readout=codebook"),
        ({"heads": {"angle": "classes"}, "separate": True, "readout": "codebook",
          "nominal": ["shape"]}, "unknown factor in model.nominal: 'shape'"),
    ],
)  # fmt: skip
def test_mistakes_are_named(section, message):
    with pytest.raises(UsageError, match=message):
        build({**ENCODERS["fast"], **section})


def test_classes_need_values_that_differ():
    values = {"angle": (1e9, 1e9 + 1)}
    with pytest.raises(UsageError, match="classes of angle have values"):
        build({**ENCODERS["fast"], "heads": "classes"}, values=values)
    with pytest.raises(UsageError, match="not known here"):
        build_model("encoder", GREY, 3, {**ENCODERS["fast"], "heads": "classes"})
    with pytest.raises(UsageError, match="32 × 32 and more"):
        build(BACKBONES["resnet18"], (1, 16, 16))


@pytest.mark.parametrize("kinds", ["values", "classes"])
def test_no_weight_or_buffer_needs_double_precision(kinds):
    """Some devices have none."""
    model = build_model(
        "encoder", GREY, 3, {**ENCODERS["fast"], "heads": kinds}, factor_values=VALUES
    )
    held = [*model.parameters(), *model.buffers()]
    assert {part.dtype for part in held} <= {torch.float32, torch.int64}
