"""Which folder a training is kept in, and that no two processes share one."""

import datetime
import json
import platform
import shlex
import threading

import pytest

from configs.cnnvae import ARCHITECTURES
from conftest import FAST, read_config
from disentgen.errors import DataFileError, RunningError, UsageError
from disentgen.locking import is_held
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run, open_run
from experiments.claims import (
    CHOOSING,
    Request,
    check_same,
    claim_new,
    claim_run,
    continue_config,
    find_newest,
)
from experiments.keeping import Keeper
from experiments.made import identify, name_identity
from experiments.resume import describe_resume


def make_config(**given):
    dataset = {"name": "dsprites", "variant": "shape2tx", **given.pop("dataset", {})}
    sections = {"experiment": "disent", "dataset": dataset, "model": ARCHITECTURES["fast"], **given}
    return read_config("lgm", **sections)


def make_run(folder, status="INTERRUPTED", config=None, minute=0, **record):
    config = config or make_config()
    directory = RunDirectory(folder).prepare()
    directory.save_config(config)
    record = {"status": status, "start_time": f"2026-01-01T10:{minute:02}:00", **record}
    (folder / "run.json").write_text(json.dumps(record))
    return Run(folder)


def read_all(folder):
    """All files, less the lease of who holds the folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def list_choices(folder):
    return [path for path in folder.glob(f"{CHOOSING}/*") if path.is_file()]


def find(folder, config, seed=True):
    name = name_identity(identify(config, config.split.describe(), seed))
    return find_newest(folder, name, config.seed if seed else None)


def test_new_runs_are_numbered_and_those_that_never_began_leave_nothing(tmp_path):
    first, second = claim_new(tmp_path / "runs"), claim_new(tmp_path / "runs")
    assert [first.path.name, second.path.name] == ["1", "2"]
    second.release()
    first.begin()
    RunDirectory(first.path).save_config(make_config())
    first.release()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["1"]
    assert RunDirectory(first.path).is_held() is False


@pytest.mark.parametrize("status", ["INTERRUPTED", "RUNNING", "FAILED"])
def test_the_newest_run_of_a_configuration_goes_on(tmp_path, status):
    """One that says RUNNING and that no process holds is dead; one that failed goes on too."""
    for minute, name in enumerate(("b", "a")):
        make_run(tmp_path / name, status, minute=minute)
    make_run(tmp_path / "z", "COMPLETED", make_config(seed=2), minute=2)
    make_run(tmp_path / "y", "COMPLETED", make_config(dataset={"control": True}), minute=2)
    make_run(tmp_path / "x", "COMPLETED", make_config(training={"lr": 0.5}), minute=2)
    claim = Request(tmp_path, {}, None, True).claim(make_config(), True)
    assert claim.run.path == tmp_path / "a"
    assert [is_held(path) for path in list_choices(tmp_path)] == [True]
    claim.end_choice()
    assert not list_choices(tmp_path)
    claim.release()


def test_a_complete_run_is_left(tmp_path, capsys):
    make_run(tmp_path / "1", "COMPLETED")
    before = read_all(tmp_path / "1")
    for name, auto in ((None, True), ("1", False)):
        assert Request(tmp_path, {}, name, auto).claim(make_config(), True) is None
        assert capsys.readouterr().out == f"run {tmp_path / '1'} is complete.\n"
        assert read_all(tmp_path / "1") == before
    assert not list_choices(tmp_path)


def test_without_a_seed_a_run_of_any_seed_is_the_same(tmp_path):
    make_run(tmp_path / "1", config=make_config(seed=7))
    assert find(tmp_path, make_config(seed=8)) is None
    assert find(tmp_path, make_config(seed=8), seed=False).id == "1"


def test_another_spelling_of_a_split_is_the_same_run(tmp_path):
    made = make_config(dataset={"variant": None, "held_out": "shape==1 and posX>0.5"})
    make_run(tmp_path / "1", config=made)
    same = make_config(dataset={"variant": None, "held_out": "(shape == 1) & (posX > 0.5)"})
    assert find(tmp_path, same).id == "1"
    kept = continue_config(Run(tmp_path / "1"), {"threads": 2, "training": {"score_images": 9}})
    assert kept.dataset["held_out"] == "shape==1 and posX>0.5"
    assert (kept.threads, kept.training.score_images) == (2, 9)


def test_what_cannot_go_on_is_left_aside_with_a_line(tmp_path, capsys):
    make_run(tmp_path / "1")
    (tmp_path / "1" / "history.csv").write_text("epoch,step,validation.nll\n1,2,3.0\n")
    make_run(tmp_path / "2")
    (tmp_path / "2" / "config.json").write_text("{")
    assert find(tmp_path, make_config()) is None
    aside = capsys.readouterr().err.splitlines()
    assert sorted("no checkpoint.pt" in line for line in aside) == [False, True]
    assert all(line.startswith(f"left aside: {tmp_path}") for line in aside)


def test_a_damaged_history_leaves_a_run_aside(tmp_path, capsys):
    config = make_config(training={"early_stopping": 1})
    make_run(tmp_path / "1", config=config)
    (tmp_path / "1" / "history.csv").write_text("epoch,step\n1,2\n")
    for name, history in (("2", [3]), ("3", None), ("4", [{"epoch": 2, "step": 2}])):
        make_run(tmp_path / name, config=config)
        RunDirectory(tmp_path / name).save_checkpoint({"history": history})
    RunDirectory(tmp_path / "3").save_checkpoint({})
    assert find(tmp_path, config) is None
    aside = sorted(capsys.readouterr().err.splitlines())
    assert aside[0] == (
        f"left aside: {tmp_path / '1'}: history.csv lacks validation.nll, "
        "by which training stops early."
    )
    assert len(aside) == 4
    assert all(
        f"{name}/checkpoint.pt is damaged" in line
        for name, line in zip("234", aside[1:], strict=True)
    )


@pytest.mark.parametrize("name", [None, "1"])
def test_a_run_that_is_held_is_refused(tmp_path, name):
    make_run(tmp_path / "1", "RUNNING")
    with RunDirectory(tmp_path / "1").held():
        before = read_all(tmp_path / "1")
        with pytest.raises(RunningError, match="another process is training in"):
            Request(tmp_path, {}, name, name is None).claim(make_config(), True)
        assert read_all(tmp_path / "1") == before
    assert not list_choices(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "host", "refused"),
    [(0, "elsewhere", True), (3600, "elsewhere", False), (-86400, "elsewhere", False),
     (3600, platform.node(), False), (0, platform.node(), True)],
)  # fmt: skip
def test_a_run_that_was_never_held_is_known_by_its_heartbeat(tmp_path, seconds, host, refused):
    """As those of earlier versions are; a heartbeat that is to come is none."""
    beat = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    heartbeat = beat.replace(tzinfo=None).isoformat()
    make_run(tmp_path / "1", "RUNNING", heartbeat=heartbeat, host={"hostname": host})
    before = read_all(tmp_path / "1")
    if refused:
        with pytest.raises(RunningError, match=f"is still running on {host}"):
            claim_run(tmp_path / "1")
    else:
        claim_run(tmp_path / "1").release()
    assert read_all(tmp_path / "1") == before


def test_another_configuration_in_a_named_folder_is_an_error_that_names_the_keys(tmp_path):
    run = make_run(tmp_path / "job1")
    for given, keys in (
        ({"training": {"lr": 0.5}, "seed": 2}, ["training.lr", "seed"]),
        ({"dataset": {"variant": "leave1out"}}, ["dataset.variant"]),
        ({"dataset": {"control": True}}, ["dataset.control"]),
    ):
        with pytest.raises(UsageError) as raised:
            check_same(run, make_config(**given))
        assert f"it differs in {', '.join(keys)}. Choose" in str(raised.value)
    check_same(run, make_config(threads=2, training={"score_images": 3}))


@pytest.mark.parametrize("name", ["a/b", "..", ".", "_sources", ""])
def test_names_of_folders(tmp_path, name):
    with pytest.raises(UsageError, match="is no name of a run's folder"):
        Request(tmp_path, {}, name, False).claim(make_config(), True)
    assert not list(tmp_path.iterdir())


def test_of_many_that_choose_at_once_one_gets_the_run(tmp_path):
    make_run(tmp_path / "1")
    claims, refused, config = [], [], make_config()

    def claim():
        try:
            claims.append(Request(tmp_path, {}, None, True).claim(config, True))
            claims[-1].end_choice()
        except RunningError:
            refused.append(1)

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [claim.run.id for claim in claims] == ["1"]
    assert len(refused) == 5
    claims[0].release()


def test_the_command_that_goes_on_is_quoted(tmp_path):
    line = describe_resume("disent", tmp_path / "a b's")
    assert shlex.split(line)[-1] == f"resume={tmp_path}/a b's"


@pytest.mark.ci
def test_one_line_starts_and_goes_on_and_leaves(disent, data):
    """Under any name: what a run is called changes nothing of what it is."""
    words = ("--name", "mine", "with", "resume=auto", *FAST)
    disent(*words)
    folder = data / "sims" / "disent" / "1"
    first = open_run(folder)
    record = json.loads((folder / "run.json").read_text())
    assert record["experiment"]["name"] == "mine"
    (folder / "run.json").write_text(json.dumps(record | {"status": "INTERRUPTED"}))
    (folder / "results.json").unlink()
    with RunDirectory(folder).held():
        before = read_all(folder)
        done = disent(*words, status=3)
        assert "error: another process is training in" in done.stderr
        assert f": process {first.load_starts()[0]['pid']} on {platform.node()}" in done.stderr
        assert disent("with", "resume=1", status=3).stderr == done.stderr
        assert read_all(folder) == before
    done = disent("with", "resume=auto", *FAST)
    assert f"going on with run {folder}\n" in done.stdout
    again = open_run(folder)
    assert again.status == "COMPLETED"
    assert again.experiment == "disent"
    assert again.results["scores"] == first.results["scores"]
    starts = again.load_starts()
    assert starts[0] == first.load_starts()[0]
    assert len(starts) == 2 and starts[1]["pid"] != starts[0]["pid"]
    before = read_all(folder)
    assert f"run {folder} is complete." in disent(*words).stdout
    assert read_all(folder) == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["1", CHOOSING, "_sources"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_was_renamed_since_it_was_claimed_is_not_written_to(tmp_path, replaced):
    claim = claim_new(tmp_path)
    claim.path.rename(tmp_path / "mine")
    if replaced:
        claim.path.mkdir()
        (claim.path / "checkpoint.pt").write_text("of another run")
    for act in (claim.begin, claim.directory.clear, claim.directory.drop_checkpoint):
        with pytest.raises(DataFileError, match=r"1 is called .*mine now"):
            act()
    assert claim.path.exists() == replaced
    assert not replaced or [path.name for path in claim.path.iterdir()] == ["checkpoint.pt"]


def test_folders_of_giant_numbers_are_none_of_ours(tmp_path):
    (tmp_path / ("9" * 255)).mkdir()
    assert claim_new(tmp_path).path.name == "1"


def test_a_folder_beside_a_run_that_was_named_is_refused(tmp_path):
    run = make_run(tmp_path / "disent" / "1")
    keeper = Keeper(Request(tmp_path, {}, "other", False), None, [])
    with pytest.raises(UsageError, match=r"--id=other is another folder than .*disent/1"):
        keeper.claim_run(run.path)
