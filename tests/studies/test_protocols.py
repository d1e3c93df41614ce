"""The study's protocols as data, beside what its table's words mean."""

from dataclasses import replace

import pytest

from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from disentgen.errors import DataFileError
from disentgen.models.layers import normalise_layers
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.protocols import NOT_OF_A_ROW, format_packed, load_protocols, pack, unpack
from disentgen.studies.rows import Row
from experiments.protocols import collect_protocols


@pytest.fixture(scope="module")
def protocols():
    return load_protocols(STUDY)


def test_data_is_what_the_experiments_make_of_the_table(protocols):
    """Where it is not: python -m experiments.protocols, inside scripts, writes it anew."""
    collected = collect_protocols(STUDY)
    assert list(collected) == list(protocols) == list(STUDY.entries)
    for row, config in collected.items():
        assert protocols[row] == config, row


def test_the_file_is_what_is_written_of_its_protocols(protocols):
    text = STUDY.protocols.read_text(encoding="utf-8")
    assert format_packed(pack(protocols)) == text
    assert load_protocols(STUDY) is protocols


def test_packed_text_has_a_line_for_each_entry_with_sorted_keys():
    row = Row("disent", "dsprites", "leave1out", "β-VAE 8")
    packed = pack({row: {"model.name": "kim", "model.decoder": None, "steps": 3, "lr": 1}})
    assert format_packed(packed) == (
        '{\n"architectures": [\n'
        '{"config": {"model.decoder": null}, "experiment": "disent", "name": "kim"}\n],\n'
        '"experiments": [\n{"config": {"lr": 1, "steps": 3}, "name": "disent"}\n],\n'
        '"rows": [\n{"config": {"model.name": "kim"}, '
        '"row": ["disent", "dsprites", "leave1out", "β-VAE 8"]}\n]\n}\n'
    )


def test_protocols_are_of_training_alone(protocols):
    for config in protocols.values():
        assert not set(config) & {*NOT_OF_A_ROW, "seed", "dataset.root", "dataset.variant"}
        assert {"dataset.name", "split.held_out", "model.decoder", "training.loss.name"} <= {
            *config
        }


@pytest.mark.parametrize(
    ("row", "held_in", "batch"),
    [
        (("dsprites", "leave1out", "VAE"), 731_472, 64),
        (("dsprites", "leave1out", "FactorVAE 50"), 731_472, 128),
        (("shapes3d", "fhue_gt50", "β-VAE 8"), 240_000, 64),
        # Images at 20 are on neither side.
        (("mpi3d", "horz_gt20", "FactorVAE 100"), 518_400, 128),
    ],
)
def test_steps_are_full_passes_over_the_training_images(protocols, row, held_in, batch):
    config = protocols[Row("disent", *row)]
    assert config["steps"] == 30 * ((held_in - round(0.05 * held_in)) // batch)
    assert config["training.batch_size"] == batch


def test_decoders_and_composers_make_as_many_steps_as_published(protocols):
    expected = {"dsprites": 20_000, "shapes3d": 5_000, "mpi3d": 5_000}
    for row, config in protocols.items():
        if row.experiment != "disent":
            assert config["training.validation_images"] == 6_400
            steps = 4_680 if row.experiment == "composition" else expected[row.dataset]
            assert config["steps"] == steps


def test_layers_are_those_of_the_named_architectures(protocols):
    vae = protocols[Row("disent", "dsprites", "shape2tx", "VAE")]
    assert vae["model.name"] == "burgess_v2"
    assert normalise_layers("", ARCHITECTURES["burgess_v2"]["encoder"]) == vae["model.encoder"]
    assert vae["model.decoder"] is None
    for dataset, name in {"dsprites": "higgins", "shapes3d": "higgins", "mpi3d": "deep_bn"}.items():
        decoder = protocols[Row("decoders", dataset, "leave1out", "ground-truth decoder")]
        assert decoder["model.name"] == name
        assert normalise_layers("", DECODERS[name]["decoder"]) == decoder["model.decoder"]


def test_packing_loses_nothing_where_rows_differ():
    rows = [Row("disent", "dsprites", "leave1out", model) for model in ("VAE", "other")]
    config = {"model.name": "kim", "model.encoder": [["relu"]], "lr": 1, "steps": 2, "params": {}}
    protocols = {rows[0]: config, rows[1]: {**config, "lr": 3, "gamma": None}}
    assert unpack(pack(protocols)) == protocols
    assert pack(protocols)["experiments"][0]["config"] == {"steps": 2, "params": {}}
    lacking = {row: dict(config) for row, config in protocols.items()}
    del lacking[rows[1]]["steps"]
    assert unpack(pack(lacking)) == lacking
    assert pack(lacking)["experiments"][0]["config"] == {"params": {}}


def test_architectures_of_one_name_are_those_of_their_experiment():
    rows = [Row(experiment, "dsprites", "leave1out", "m") for experiment in ("disent", "decoders")]
    configs = [{"model.name": "kim", "model.decoder": [[layer]]} for layer in ("relu", "flatten")]
    protocols = dict(zip(rows, configs, strict=True))
    assert unpack(pack(protocols)) == protocols


def test_protocols_of_other_entries_are_refused(tmp_path):
    study = replace(STUDY, protocols=tmp_path / "protocols.json")
    remedy = "python -m experiments.protocols, inside scripts, writes it anew."
    with pytest.raises(DataFileError) as refused:
        load_protocols(study)
    assert str(refused.value) == f"{study.protocols} is missing; {remedy}"
    rows = dict(list(load_protocols(STUDY).items())[:2])
    study.protocols.write_text(format_packed(pack(rows)))
    with pytest.raises(DataFileError) as refused:
        load_protocols(study)
    assert str(refused.value) == (
        f"{study.protocols} and the entries of montero2021 have other rows, composition dsprites "
        f"blank_side composer among them; {remedy}"
    )
