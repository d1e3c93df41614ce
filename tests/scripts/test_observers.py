"""Sacred's observers beside the run's folder: databases, and whatever a user appends."""

import csv
import datetime
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import DECODING, FAST
from disentgen.errors import UsageError
from ingredients import connections
from ingredients.connections import Databases, guard, recall_starts, take_options
from ingredients.databases import TakenError, name_start
from ingredients.entering import enter
from ingredients.guarded import GuardedObserver, Observed, as_number
from processes import SCRIPTS, call_module, start_module
from sacred_compat import RunObserver
from servers import free_port, run_mongo, run_postgres, run_silent

LONG = (*FAST, "training.epochs=6", "training.epoch_length=80")


class Spy(RunObserver):
    """Keeps what it is handed, and changes it."""

    def __init__(self):
        self.events = []

    def started_event(self, ex_info, command, host_info, start_time, config, meta_info, _id):
        self.events.append(("started", _id, ex_info["sources"], config["seed"]))
        ex_info["sources"].clear()
        config.clear()

    def log_metrics(self, metrics_by_name, info):
        info["metrics"] = [*metrics_by_name]

    def heartbeat_event(self, info, captured_out, beat_time, result):
        self.events.append(("heartbeat", info))

    def completed_event(self, stop_time, result):
        self.events.append(("completed", result))


def describe_start(run_id, **config):
    """What Sacred hands over at the start of a run."""
    return {
        "ex_info": {"name": "disent", "base_dir": str(Path.cwd()), "sources": [],
                    "dependencies": [], "repositories": []},
        "command": "main",
        "host_info": {"hostname": "here", "cpu": "one", "os": ["Linux", "6"],
                      "python_version": "3"},
        "start_time": datetime.datetime(2030, 1, 2),
        "config": {"seed": 1, **config},
        "meta_info": {},
        "_id": run_id,
    }  # fmt: skip


def test_each_observer_has_what_it_is_handed_for_itself():
    spies = [Spy(), Spy()]
    started, info = describe_start("12"), {}
    for one in (guards := guard(spies)):
        one.started_event(**started)
        one.log_metrics({"nll": {"steps": [1]}}, info)
        one.heartbeat_event(info=info, captured_out="", beat_time=None, result=None)
        one.completed_event(stop_time=None, result=2.0)
        one.join()
    assert started == describe_start("12") and info == {}
    assert len(guards) == 2
    for spy in spies:
        assert spy.events[0] == ("started", 12, [], 1)
        assert spy.events[1] == ("heartbeat", {"metrics": ["nll"]})
        assert spy.events[2] == ("completed", 2.0)


def test_an_observer_that_hangs_costs_seconds_at_the_end_alone(monkeypatch, capsys):
    monkeypatch.setattr("ingredients.guarded.LAST_SECONDS", 0.3)
    release = threading.Event()

    class Hanging(RunObserver):
        def started_event(self, **given):
            release.wait()

    began = time.monotonic()
    one = GuardedObserver(Observed(Hanging()))
    one.started_event(**describe_start("1"))
    one.completed_event(stop_time=None, result=None)
    one.join()
    assert time.monotonic() - began < 3
    release.set()
    assert "warning: Hanging does not receive this run" in capsys.readouterr().err


def test_ids_are_numbers_where_they_can_be():
    assert [as_number(given) for given in ("12", "first", None)] == [12, "first", None]


@pytest.mark.parametrize(
    ("option", "names"),
    [("--mongo_db", "-m needs pymongo"), ("--sql", "-s needs sqlalchemy"),
     ("--tiny_db", "-t needs tinydb and tinydb_serialization and hashfs")],
)  # fmt: skip
def test_packages_that_are_not_there_are_named(monkeypatch, option, names):
    monkeypatch.setattr(connections, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=rf"{names}, .*pip install 'disent-and-gen\["):
        take_options({option: "x"})


@pytest.mark.parametrize(
    ("option", "package", "given", "message"),
    [("--mongo_db", "pymongo", "a:b:c:d", "give .*localhost:27017"),
     ("--mongo_db", "pymongo", "localhost:99999:runs", "give .*localhost:27017"),
     ("--mongo_db", "pymongo", "localhost:27017:runs.runs:3", "resume= goes on"),
     ("--sql", "sqlalchemy", "secret.db", "-s: give dialect"),
     ("--sql", "sqlalchemy", "nosql://a:secret@b/c", "-s: give dialect"),
     ("--tiny_db", "tinydb", "/proc/x", "-t /proc/x: ")],
)  # fmt: skip
def test_a_database_that_is_none_is_said_in_a_line(option, package, given, message):
    pytest.importorskip(package)
    pytest.importorskip("hashfs" if package == "tinydb" else package)
    with pytest.raises(UsageError, match=message) as caught:
        take_options({option: given})
    assert "secret" not in str(caught.value)


@pytest.fixture(params=["--sql", "--tiny_db"])
def opened(request, tmp_path):
    """Open a database in files, any number of times."""
    pytest.importorskip("sqlalchemy" if request.param == "--sql" else "hashfs")
    where = f"sqlite:///{tmp_path}/runs.db" if request.param == "--sql" else str(tmp_path / "tiny")

    def open_again():
        databases = Databases(take_options({request.param: where}))
        databases.connect()
        return databases

    return open_again


@pytest.mark.filterwarnings("ignore")
def test_ids_of_a_database_are_names_of_folders_and_never_taken_twice(opened):
    assert opened().find_highest() == 0
    opened().enter(describe_start("7"))
    assert opened().find_highest() == 7
    with pytest.raises(TakenError, match="has another run of the id 7"):
        opened().enter(describe_start("7"))
    opened().enter(describe_start("8"))
    assert opened().find_highest() == 8


@pytest.mark.filterwarnings("ignore")
def test_a_run_goes_on_in_its_row_and_in_no_other(opened):
    """Known by its starts, a run is found wherever its database has moved to."""
    first = opened()
    first.enter(describe_start("3"))
    (guard,) = first.guards
    guard.interrupted_event(interrupt_time=datetime.datetime(2030, 1, 3), status="INTERRUPTED")
    guard.join()
    for other in ((), ("2030-01-02T00:00:01",), ("2030-01-02",)):
        with pytest.raises(TakenError):
            opened().enter(describe_start("3"), other)
    again = opened()
    again.enter(describe_start("3", epochs=9), ["2029-12-31T00:00:00", "2030-01-02T00:00:00"])
    assert again.entered == [] and again.find_highest() == 3
    fresh = opened()
    fresh.enter(describe_start("4"), ["2030-01-02T00:00:00"])
    fresh.withdraw()
    assert opened().find_highest() == 3


def test_the_starts_of_a_run_are_kept_before_a_database_has_them(tmp_path):
    """Of two processes that were killed as they entered it, one had come to the database."""
    names = []

    class Entering:
        def check_id(self, run_id):
            assert run_id == "3"

        def enter(self, started, earlier):
            names.append((name_start(started["start_time"]), list(earlier)))
            assert recall_starts(tmp_path / "3") == [*earlier, names[-1][0]]

    command = SimpleNamespace(signature=SimpleNamespace(name="main"))
    run = SimpleNamespace(experiment_info={}, host_info={}, config={}, meta_info={},
                          main_function=command)  # fmt: skip
    (tmp_path / "3").mkdir()
    enter(run, tmp_path / "3", Entering())
    enter(run, tmp_path / "3", Entering())
    assert names[0][1] == [] and names[1][1] == [names[0][0]]


@pytest.mark.parametrize("damaged", ["[1", "{}", "3", "[" * 100_000])
def test_a_damaged_list_of_starts_is_as_none(tmp_path, damaged):
    (tmp_path / "databases.json").write_text(damaged)
    assert recall_starts(tmp_path) == []


def read_rows(url):
    """Id, status and whether there is a result, of the runs of a database."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("select run_id, status, result from run"))
        return {run_id: (status, result is not None) for run_id, status, result in rows}


def check_folder(folder, epochs):
    """The folder of a run is whole."""
    assert json.loads((folder / "run.json").read_text())["status"] == "COMPLETED"
    with (folder / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == epochs
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["validation.nll"]["steps"] == list(range(1, epochs + 1))
    assert {"results.json", "model.pt", "reconstructions.png"} <= {p.name for p in folder.iterdir()}


@pytest.mark.ci
def test_runs_in_sqlite_and_tinydb_keep_the_names_of_their_folders(disent, environment, data):
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("hashfs")
    url, tiny = f"sqlite:///{data.parent}/runs.db", str(data.parent / "tiny")
    disent("with", *FAST)
    for _ in range(3):
        disent("-s", url, "-t", tiny, "with", *FAST)
    disent("-s", url, "with", "resume=4", "training.epochs=3")
    call_module(environment, "experiments.decoders", "-s", url, "with", "dataset.dsprites",
                *DECODING, "threads=1")  # fmt: skip
    assert (data / "sims" / "decoders" / "5").exists()
    assert read_rows(url) == dict.fromkeys("2345", ("COMPLETED", True))
    runs = json.loads((data.parent / "tiny" / "metadata.json").read_text())["runs"].values()
    assert [(run["_id"], run["status"]) for run in runs] == [(n, "COMPLETED") for n in (2, 3, 4)]
    check_folder(data / "sims" / "disent" / "4", epochs=3)
    assert len(json.loads((data / "sims" / "disent" / "4" / "databases.json").read_text())) == 2


def train_while(environment, words, change):
    """Train; change something after the second epoch; how it ended, and how long its end took."""
    with start_module(environment, "experiments.disent", *words) as command:
        while "epoch 2/" not in command.streams[0].read_text():
            assert command.process.is_alive(), command.streams[1].read_text()
            time.sleep(0.05)
        change()
        while "picture:" not in command.streams[0].read_text():
            assert command.process.is_alive(), command.streams[1].read_text()
            time.sleep(0.05)
        began = time.monotonic()
        done = command.wait()
        return done, time.monotonic() - began


@pytest.mark.ci
def test_postgres_takes_long_names():
    """Sacred's own columns are too short for the path of many a checkout."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    started = describe_start("a-name-of-more-than-24-characters")
    started["ex_info"]["base_dir"] = "/" + "home/" * 40
    started["ex_info"]["dependencies"] = ["disentgen==0.2.0.dev123+g0123456.d20300102"]
    with run_postgres() as server:
        databases = Databases(take_options({"--sql": server.url}))
        databases.connect()
        databases.enter(started)
        assert read_rows(server.url) == {started["_id"]: ("RUNNING", False)}


@pytest.mark.ci
@pytest.mark.parametrize(
    "happens", ["freeze", "kill", pytest.param("restart", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", ["postgres", "mongo"])
def test_a_server_that_fails_in_the_middle_costs_nothing(
    environment, data, tmp_path, kind, happens
):
    if kind == "postgres":
        pytest.importorskip("sqlalchemy")
        pytest.importorskip("psycopg")
    with run_postgres() if kind == "postgres" else run_mongo(tmp_path) as server:

        def restart():
            server.kill()
            server.start()

        change = restart if happens == "restart" else getattr(server, happens)
        option = "-s" if kind == "postgres" else "-m"
        done, seconds = train_while(environment, (option, server.url, "with", *LONG), change)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "does not receive" in line]
    assert len(lines) <= 1 if happens == "restart" else len(lines) == 1, done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert seconds < 15
    check_folder(data / "sims" / "disent" / "1", epochs=6)


@pytest.mark.ci
def test_mongo_has_numbers_for_ids_and_each_epoch_once(disent, tmp_path):
    with run_mongo(tmp_path) as server:
        import pymongo

        for _ in range(2):
            disent("-m", server.url, "with", *FAST)
        disent("-m", server.url, "with", "resume=2", "training.epochs=3")
        refused = disent("-m", server.url, "--id", "first", "with", *FAST, status=1)
        with pymongo.MongoClient("localhost", server.port) as client:
            runs = list(client.runs.runs.find())
            metrics = list(client.runs.metrics.find({"name": "validation.nll"}))
        assert [(run["_id"], run["status"]) for run in runs] == [
            (1, "COMPLETED"), (2, "COMPLETED")
        ]  # fmt: skip
        assert {kept["run_id"]: kept["steps"] for kept in metrics} == {1: [1, 2], 2: [1, 2, 3]}
        named = {one["name"]: one["id"] for one in runs[1]["info"]["metrics"]}
        assert named["validation.nll"] in {str(kept["_id"]) for kept in metrics}
    assert "'first' is no number" in refused.stderr and len(refused.stderr.splitlines()) == 1


@pytest.mark.ci
@pytest.mark.parametrize("option", ["-m", "-s"])
@pytest.mark.parametrize("answers", ["silence", "nothing"])
def test_a_server_that_is_not_there_is_a_line_and_leaves_no_folder(disent, data, option, answers):
    pytest.importorskip("pymongo" if option == "-m" else "psycopg")
    with run_silent() as silent:
        port = silent if answers == "silence" else free_port()
        where = f"localhost:{port}:runs" if option == "-m" else (
            f"postgresql+psycopg://me:secret@localhost:{port}/runs")  # fmt: skip
        began = time.monotonic()
        refused = disent(option, where, "with", *FAST, status=1)
    assert time.monotonic() - began < 20
    assert len(refused.stderr.splitlines()) == 1
    assert "cannot be reached: " in refused.stderr and "secret" not in refused.stderr
    assert not (data / "sims" / "disent").exists()


@pytest.mark.ci
def test_observers_that_a_user_appends_stand_behind_ours(environment, data, tmp_path):
    program = """
import sys
from sacred_compat import FileStorageObserver, RunObserver
from experiments.disent import experiment

class Broken(RunObserver):
    priority = 99
    def started_event(self, **given):
        raise OSError("out of order")

experiment.observers += [Broken(), FileStorageObserver(sys.argv[1], priority=100)]
experiment.run_commandline(["disent", "with", *sys.argv[2:]])
print([type(one).__name__ for one in experiment.observers])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "second", *FAST], cwd=SCRIPTS, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "['Broken', 'FileStorageObserver', 'RunFolderObserver']" in done.stdout
    assert "warning: Broken does not receive this run" in done.stderr
    check_folder(data / "sims" / "disent" / "1", epochs=2)
    copied = json.loads((tmp_path / "second" / "1" / "run.json").read_text())
    ours = json.loads((data / "sims" / "disent" / "1" / "run.json").read_text())
    assert copied["status"] == "COMPLETED"
    assert len(copied["experiment"]["sources"]) == len(ours["experiment"]["sources"]) > 0


def test_a_server_that_is_silent_is_said_not_to_answer():
    silent = SimpleNamespace(observed=SimpleNamespace(name="PostgreSQL"))
    with pytest.raises(UsageError, match="PostgreSQL cannot be reached: it does not answer"):
        connections._wait(silent, Future(), 0.01, "cannot be reached")
