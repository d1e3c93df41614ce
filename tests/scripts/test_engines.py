"""Engines: what they ask for, what a worker does, and what is said where one cannot be had."""

import _thread
import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from disentgen.command_line import RUNNING, CommandParser
from disentgen.errors import DataFileError, UsageError
from engines import Ended, Job, add_options, engines, open_engine, ray, remote, slurm
from engines.local import Local
from engines.remote import SCRIPTS, Task, describe_environment, gpu_share
from interrupts import SIGNALS, Interrupted


def make_job(program, number=1):
    """A run that is a Python program."""
    return Job(number, ("-c", program))


@pytest.fixture
def sims(tmp_path, monkeypatch):
    """The folder of runs of an empty data folder; a task goes into another folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "sims"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Add commands to those that are found: none other than these are."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shell = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(folder))

    def add(name, text):
        (folder / name).write_text(f"#!/bin/sh\nPATH={shell}\n{text}\n")
        (folder / name).chmod(0o755)

    return add


@pytest.fixture
def passed_over():
    """Signals are passed over, as by submitit; afterwards they are as they were."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def parse():
    """Read options of engines."""
    parser = CommandParser(prog="sweep")
    add_options(parser)
    return lambda *words: parser.parse_args(list(words))


def test_options_stand_once_and_name_the_engines_that_take_them(parse, capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("CPUs of each run") == 1
    assert "as many threads; 1 (of ray and slurm)" in printed
    assert "of one thread each; 1 (of local)" in printed


def test_an_option_of_another_engine_is_refused(parse):
    with pytest.raises(
        UsageError, match=r"^--engine=local does not take --cpus; it takes --jobs\.$"
    ):
        open_engine("local", parse("--cpus=2"))


def test_options_that_are_not_given_have_defaults(parse):
    assert open_engine("local", parse()).jobs == 1
    assert open_engine("local", parse(), jobs=5).jobs == 5
    assert open_engine("local", parse("--jobs=3"), jobs=5).jobs == 3
    assert open_engine("local", parse("--jobs=3")).jobs == 3


def test_engines_need_their_package(parse, monkeypatch):
    monkeypatch.setattr("engines.find_spec", lambda name: None)
    for name, package in (("ray", "ray"), ("slurm", "submitit")):
        with pytest.raises(UsageError) as raised:
            open_engine(name, parse())
        assert str(raised.value) == (
            f"--engine={name} needs {package}, which is not installed: "
            f"pip install 'disent-and-gen[{name}]'"
        )


def test_to_list_engines_imports_none_of_their_packages():
    assert set(engines()) == {"local", "ray", "slurm"}
    assert not {"ray", "submitit"} & set(sys.modules)


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "nan", "many"])
def test_a_run_uses_one_gpu_at_most(word):
    with pytest.raises(argparse.ArgumentTypeError, match="a number above 0, at most 1; given"):
        gpu_share(word)
    assert gpu_share("0.25") == 0.25


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "a day"])
def test_hours_are_a_number_above_0(word):
    with pytest.raises(argparse.ArgumentTypeError, match="a number of hours above 0, .*; given"):
        slurm.hours(word)
    assert slurm.hours("0.5") == 0.5


def test_runs_are_not_killed_by_what_a_queue_sends_before_their_time_is_up():
    program = "import os, signal; os.kill(os.getpid(), signal.SIGUSR2); print('here')"
    (((_, ended),)) = Local(1, threads=1).run([make_job(program)])
    assert ended.status == 0


def test_a_given_number_of_threads_is_that_of_each_run():
    program = "import sys; sys.exit(' '.join(sys.argv[1:]))"
    for jobs in (1, 2):
        (((_, ended),)) = Local(jobs, threads=4).run([make_job(program)])
        assert ended == Ended(1, "threads=4\n")
    (((_, ended),)) = Local(2).run([make_job(program)])
    assert ended == Ended(1, "threads=1\n")


@pytest.fixture
def interruptible():
    """Ctrl-C is seen, which a shell may have had ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interruption_that_ends_no_wait_is_seen(interruptible):
    threading.Timer(0.5, _thread.interrupt_main).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(Local(1, threads=1).run([make_job("import time; time.sleep(60)")]))
    assert time.monotonic() - begin < 20


def test_runs_of_a_task_see_a_gpu_only_where_it_is_asked_for(tmp_path, monkeypatch, sims):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(remote, "list_devices", lambda: ("0", "1"))
    program = "import os, sys; sys.exit(os.environ['CUDA_VISIBLE_DEVICES'] + ' ' + os.getcwd())"
    jobs = tuple(make_job(program, number) for number in (1, 2))
    for gpus, seen in ((0.0, {""}), (0.5, {"0", "1"})):
        folder = remote.make_launch_folder("ray")
        ended = Task(0, jobs, 1, gpus, folder)()
        assert {one.printed for one in ended} == {f"{device} {SCRIPTS}\n" for device in seen}


#: Another machine seems to train the run, which ends with another number.
BUSY = """
import pathlib, sys
seen = pathlib.Path('{}')
sys.exit(0 if seen.exists() else seen.touch() or 3)
"""


def test_a_task_that_is_begun_again_waits_until_its_lost_run_counts_as_dead(
    tmp_path, monkeypatch, sims
):
    monkeypatch.setattr(remote, "PAUSE", 0)
    folder = remote.make_launch_folder("ray")
    assert folder.parent == sims / "_launches"
    jobs = (make_job(BUSY.format(tmp_path / "seen")), make_job("", number=2))
    task = Task(0, jobs, 1, 0.0, folder)
    assert [one.status for one in task()] == [RUNNING, 0]
    (tmp_path / "seen").unlink()
    assert [one.status for one in task()] == [0, 0]


def test_a_task_ends_where_it_does_not_see_the_folder_of_its_launch(tmp_path, sims):
    with pytest.raises(DataFileError, match=f"cannot write into {tmp_path / 'gone'}: No such file"):
        Task(0, (make_job(""),), 1, 0.0, tmp_path / "gone")()


def test_workers_have_the_data_folder_and_the_path_of_who_launches(sims, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/mine")
    assert describe_environment() == {
        "DISENTGEN_DATA": str(sims.parent), "PYTHONPATH": f"{SCRIPTS}{os.pathsep}/mine",
        "DISENTGEN_PLUGINS": "",
    }  # fmt: skip


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "no-such-host.invalid:1"])
def test_an_address_where_nothing_answers_is_said_at_once(address):
    with pytest.raises(UsageError) as raised:
        ray._check_address(address)
    assert str(raised.value).startswith(f"--address={address}: no Ray cluster answers there: ")


@pytest.fixture
def unreachable(monkeypatch):
    """A Ray that cannot be reached, and does not start."""

    def init(*_, **__):
        raise ConnectionError("no\n  answer")

    left = []
    module = SimpleNamespace(init=init, shutdown=lambda: left.append(True))
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return left


def test_a_cluster_that_cannot_be_reached_is_said_in_a_line(unreachable, sims, monkeypatch):
    workers = ray.RayWorkers("auto", 1, 0.0)
    said = "--address=auto: Ray cannot be reached there: no answer"
    with pytest.raises(
        UsageError, match=f"^{said}. If it asks for tokens, set RAY_AUTH_MODE=token"
    ):
        list(workers.run([make_job("")]))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(UsageError, match=f"^{said}$"):
        list(workers.run([make_job("")]))
    assert unreachable and list((sims / "_launches").iterdir()) == []


def test_a_ray_that_does_not_start_is_started_again_and_this_is_said(unreachable, sims, capsys):
    with pytest.raises(UsageError, match="^Ray did not start, 3 times: no answer$"):
        list(ray.RayWorkers(None, 1, 0.0).run([make_job("")]))
    assert capsys.readouterr().err.splitlines() == [
        "warning: Ray did not start, attempt 1 of 3: no answer",
        "warning: Ray did not start, attempt 2 of 3: no answer",
    ]
    assert list(ray.RayWorkers(None, 1, 0.0).run([])) == []


def test_a_worker_of_ray_can_be_interrupted_whatever_it_was_started_by(sims, passed_over):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs = (make_job("import time; time.sleep(60)"),)
    task = Task(0, jobs, 1, 0.0, remote.make_launch_folder("ray"))
    threading.Timer(0.5, _thread.interrupt_main).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ray._make(task)
    assert time.monotonic() - begin < 20


NODE = {"NodeID": "1", "Alive": True, "NodeManagerHostname": "one"}


def make_nodes(monkeypatch, unseen=(), **resources):
    """A Ray of one node, without Ray."""
    nodes = [NODE | {"Resources": resources}]
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(nodes=lambda: nodes))
    monkeypatch.setattr(ray, "_find_unseen", lambda nodes, paths: {"1": list(unseen)})


def test_a_machine_of_a_cluster_that_does_not_see_the_runs_is_named(monkeypatch, tmp_path):
    make_nodes(monkeypatch, unseen=["/data/sims"], CPU=2.0)
    with pytest.raises(
        UsageError, match=r"^one, a machine of the .* does not see /data/sims: runs"
    ):
        ray.RayWorkers("auto", 1, 0.0)._check_nodes([])


def test_machines_must_see_all_folders_of_a_launch(monkeypatch, tmp_path):
    folders = [tmp_path, tmp_path / "runs"]
    make_nodes(monkeypatch, CPU=2.0)
    monkeypatch.setattr(ray, "_connect", lambda address: contextlib.nullcontext())
    monkeypatch.setattr(ray, "_find_unseen", lambda nodes, paths: {"1": paths[1:3]})
    with pytest.raises(UsageError, match=f"does not see {tmp_path}, {tmp_path}/runs: runs"):
        list(ray.RayWorkers("auto", 1, 0.0).run([make_job("")], folders))

    def refuse(self, tasks, folder, needed):
        raise UsageError(" ".join(needed[1:3]))

    monkeypatch.setattr(slurm.shutil, "which", lambda name: name)
    monkeypatch.setattr(slurm.SlurmWorkers, "_submit", refuse)
    with pytest.raises(UsageError, match=f"^{tmp_path} {tmp_path}/runs$"):
        list(slurm.SlurmWorkers(1, 0.0, 1, 12.0, None).run([make_job("")], folders))


def test_a_run_must_fit_on_this_machine(monkeypatch, tmp_path):
    make_nodes(monkeypatch, CPU=2.0)
    with pytest.raises(UsageError, match="--cpus=1 --gpus=0.5: this machine has 2 CPUs and 0 GPUs"):
        ray.RayWorkers(None, 1, 0.5)._check_nodes([])
    ray.RayWorkers(None, 2, 0.0)._check_nodes([])
    ray.RayWorkers("auto", 1, 0.5)._check_nodes([])  # whose machines may come later


def test_without_slurm_this_is_said_in_a_line(programs, sims):
    workers = slurm.SlurmWorkers(1, 0.0, 1, 12.0, None)
    with pytest.raises(UsageError, match="^--engine=slurm: there is no sbatch here; launch from"):
        list(workers.run([make_job("")]))
    assert not sims.exists()
    assert list(workers.run([])) == []


def test_runs_are_packed_in_turn_and_jobs_are_as_large_as_a_pack(tmp_path, sims):
    workers = slurm.SlurmWorkers(2, 0.25, 3, 0.5, 4)
    jobs = [make_job("", number) for number in range(1, 6)]
    tasks = workers._list_tasks(jobs, tmp_path)
    assert [[job.number for job in task.jobs] for task in tasks] == [[1, 2, 3], [4, 5]]
    asked = workers._describe_jobs(2, [])
    assert {name: asked[name] for name in ("cpus_per_task", "gpus_per_node", "time")} == {
        "cpus_per_task": 6, "gpus_per_node": 1, "time": 30,
    }  # fmt: skip
    assert (asked["array_parallelism"], asked["srun_args"]) == (4, ["--cpus-per-task=6"])
    assert "gpus_per_node" not in slurm.SlurmWorkers(1, 0.0, 1, 12.0, None)._describe_jobs(2, [])


def test_a_signal_ends_a_task_of_slurm_without_a_result(sims, passed_over):
    """Else a job that is queued again would have a result already: its runs have failed."""
    jobs = (make_job("import time; time.sleep(60)"),)
    task = slurm.Requeued(0, jobs, 1, 0.0, remote.make_launch_folder("slurm"))
    threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGTERM]).start()
    begin = time.monotonic()
    with pytest.raises(Interrupted):
        task()
    assert time.monotonic() - begin < 20


@pytest.fixture
def queue(programs, tmp_path, monkeypatch):
    """A queue that two jobs have left; one has a result."""
    monkeypatch.setattr(slurm, "PAUSE", 0)
    programs("squeue", "true")
    programs("scontrol", "echo JobState=FAILED")
    programs("scancel", f"echo $* > {tmp_path}/cancelled")

    def make(number, result=None, log=None):
        pickle, stdout = tmp_path / f"{number}.pkl", tmp_path / f"{number}.out"
        if result is not None:
            pickle.touch()
        if log is not None:
            stdout.write_text(log)
        paths = SimpleNamespace(result_pickle=pickle, stdout=stdout)
        job = SimpleNamespace(job_id=f"7_{number}", paths=paths, result=lambda: result,
                              exception=lambda: None)  # fmt: skip
        return job, slurm.Requeued(number, (make_job("", number),), 1, 0.0, tmp_path)

    return make


def test_a_job_that_has_left_the_queue_without_a_result_has_failed(queue, tmp_path):
    submitted = [queue(1, log="first\ncancelled by root\n"), queue(2, result=[Ended(0)])]
    ended = {job.number: one for job, one in slurm._wait(submitted, "7", tmp_path)}
    assert ended[2] == Ended(0)
    assert ended[1].status == 1
    assert ended[1].printed.startswith("error: Slurm has ended job 7_1, see ")
    assert ended[1].printed.endswith("1.out: cancelled by root\n")


def test_a_job_that_is_cancelled_before_it_begins_has_failed_alone(queue, programs, tmp_path):
    programs("scontrol", 'test "$*" = "show job 7" && echo JobState=CANCELLED')
    ((_, ended),) = slurm._wait([queue(1)], "7", tmp_path)
    assert ended.printed.endswith("1.out: nothing is there\n")
    ((_, ended),) = slurm._wait([queue(1, log="")], "7", tmp_path)
    assert ended.printed.endswith("1.out: nothing is there\n")
    assert not (tmp_path / "cancelled").exists()


@pytest.mark.parametrize("log", [None, "unseen by n3: /scripts or /python\n"])
def test_nodes_that_do_not_see_the_folders_end_all(queue, log, tmp_path):
    with pytest.raises(
        UsageError, match="the same paths on all nodes of Slurm: unseen by"
    ) as raised:
        list(slurm._wait([queue(1, log=log)], "7", tmp_path))
    assert str(raised.value).endswith(f"{log.strip() if log else f'unseen by a node: {tmp_path}'}.")
    assert (tmp_path / "cancelled").read_text() == "7\n"


def test_jobs_are_not_lost_while_slurm_does_not_answer(queue, programs, tmp_path, capsys):
    slurm._warn_of_silence.cache_clear()
    calls = tmp_path / "calls"
    silent = f"test $(wc -l < {calls}) -gt 9 || {{ echo no >&2; exit 1; }}"
    programs("squeue", f"echo >> {calls}; {silent}")
    ((_, ended),) = slurm._wait([queue(1, log="cancelled\n")], "7", tmp_path)
    assert ended.status == 1
    assert len(calls.read_text()) == 9 + slurm.LOOKS
    assert capsys.readouterr().err == "warning: Slurm does not answer: no\n"


def test_setup_of_a_job_says_what_a_node_does_not_see(sims, tmp_path):
    needed = remote.list_needed(tmp_path, [tmp_path, tmp_path / "a folder"])
    assert needed == [*map(str, (tmp_path, tmp_path / "a folder", SCRIPTS)), sys.executable]
    lines = slurm._describe_setup(needed)
    (tmp_path / "job.sh").write_text("\n".join([*lines, "echo begun; pwd"]))
    printed = os.popen(f"sh {tmp_path}/job.sh 2>/dev/null").read()
    assert printed.startswith(f"{slurm.UNSEEN} ") and "begun" not in printed
    assert printed.endswith(f": {tmp_path}/a folder\n")
    (tmp_path / "a folder").mkdir()
    assert os.popen(f"sh {tmp_path}/job.sh").read() == f"begun\n{SCRIPTS}\n"


def test_a_launch_lies_in_the_first_folder_that_workers_must_see(sims, tmp_path):
    with remote.launch_folder("ray", [tmp_path / "report", tmp_path]) as folder:
        assert folder.parent == tmp_path / "report" / "_launches"
    assert not sims.exists()
