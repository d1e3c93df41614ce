"""The benchmarks of a CPU and of a GPU: arithmetic, turns, and every program for a moment."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

import cpu
import gpu
import turns
from catalogue import choose, list_programs
from conftest import REPOSITORY
from extrapolation import extrapolate
from gpu_catalogue import STEADY
from gpu_catalogue import list_programs as list_gpu_programs
from meter import Meter
from ratios import Spread, Usage, compare, compute_share
from results import summarise
from setting import WORKS, Setting
from turns import Measurement, Pace, Program

PACE = Pace(rounds=2, seconds=1, warm_up=1, repeats=3)


def make_program(name, *references):
    return Program(name, lambda setting, meter: {}, Setting(1), references=references)


def make_turn(rate, others=0.0, peak=500.0):
    return Measurement({"images_per_second": rate}, peak, others)


def test_ratios_are_taken_inside_rounds():
    # The medians are 20 and 10; a round apart, the machine was three times as fast.
    assert compare([10, 20, 60], [10, 10, 40]) == Spread(1.5, 1.0, 2.0)
    with pytest.raises(ValueError):
        compare([1, 2], [1])


def test_others_used_what_was_not_our_own():
    before, after = Usage(at=10, busy=100, own=20), Usage(at=20, busy=116, own=30)
    assert compute_share(before, after, cores=2) == pytest.approx(6 / 20)
    # Clocks of the machine and of a process differ by a tick.
    assert compute_share(before, Usage(20, 109.9, 30), 2) == 0
    assert compute_share(before, Usage(20, 100 + 40, 20), 2) == 1


def test_a_meter_counts_only_inside_its_window(monkeypatch):
    clock, waited = iter([100.0, 101.0, 102.0, 104.0, 105.0]), []
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("time.process_time", iter([7.0, 9.0]).__next__)
    meter = Meter(lambda: waited.append("others"), warm_up=20, seconds=4)
    meter.settle = lambda: waited.append("device")
    assert [meter.count(10) for _ in range(5)] == [True, True, True, True, False]
    # The device was still at work when the time was up.
    assert waited == ["device", "others", "device"] and meter.rate == 30 / 5
    assert meter.cores == 2 / 5 and meter.step == 10


def test_disturbed_turns_are_repeated_and_the_least_disturbed_one_counts(monkeypatch):
    def measure(shares):
        left = iter(shares)
        monkeypatch.setattr(turns, "measure", lambda *given: make_turn(1, next(left)))
        return turns.measure_undisturbed(make_program("a"), PACE), list(left)

    assert measure([0.04, 0.01]) == (make_turn(1, 0.04), [0.01])
    assert measure([0.3, 0.02, 0.01]) == (make_turn(1, 0.02), [0.01])
    taken, left = measure([0.3, 0.2, 0.4, 0.5, 0.01])
    assert taken.others == 0.2 and taken.is_disturbed and left == [0.01]


def test_programs_take_turns_in_both_orders(monkeypatch):
    order = []
    monkeypatch.setattr(
        turns, "measure", lambda program, *given: order.append(program.name) or make_turn(1)
    )
    taken = turns.take_turns([make_program(name) for name in "abc"], PACE, lambda line: None)
    assert "".join(order) == "abccba" and {name: len(made) for name, made in taken.items()} == {
        "a": 2, "b": 2, "c": 2,
    }  # fmt: skip


def test_a_table_has_medians_ranges_ratios_shares_and_peaks():
    taken = {
        "bare": [make_turn(1000), make_turn(2000)],
        "loop": [make_turn(900, 0.02, 700), make_turn(2000, 0.3, 600)],
    }
    programs = [make_program("bare"), make_program("loop", "bare")]
    table = cpu.format_table({program.name: summarise(program, taken) for program in programs})
    *_, loop = table.splitlines()
    assert loop.split() == [
        "loop", "1,450", "900–2,000", "0.95", "(0.90–1.00)", "bare", "30%*", "700",
    ]  # fmt: skip


def test_programs_have_names_of_their_own_and_references_that_are_measured():
    programs = list_programs(2)
    names = [program.name for program in programs]
    assert len(set(names)) == len(names)
    assert {name for program in programs for name in program.references} <= set(names)
    assert choose(programs, []) == programs


def test_chosen_programs_come_with_what_they_are_compared_with():
    programs = choose(list_programs(2), ["drawing", "loop fp32, 1 thread"])
    taken = {program.name: [make_turn(1)] for program in programs}
    results = {program.name: summarise(program, taken) for program in programs}
    assert len(results["drawing mpi3d, 1 thread"].ratios) == 1
    assert set(results["loop fp32, 1 thread"].ratios) == {
        "bare step fp32, 1 thread", "layers fp32, 1 thread",
    }  # fmt: skip
    assert "opening a file of dSprites to first batch" not in results
    # What is there as a reference alone may lack some of its own.
    assert set(results["loop fp32, 2 threads"].ratios) == {"usual loop fp32, 2 threads"}


GPU = Setting(1, device="cuda", resident="yes")


def test_programs_of_a_gpu_have_names_of_their_own_and_references_that_are_measured():
    programs = list_gpu_programs(GPU, ["compiled", "graphs"], [2, 4])
    names = [program.name for program in programs]
    assert len(set(names)) == len(names)
    for number, program in enumerate(programs):
        # They are measured before, so that a table that is cut short has its ratios.
        assert set(program.references) <= set(names[:number])
    steady = [name.removesuffix(STEADY) for name in names if name.endswith(STEADY)]
    assert set(steady) == {
        f"loop {execution}, {work}"
        for execution in ("eager", "compiled", "captured")
        for work in WORKS
    }


def test_hours_are_extrapolated_from_the_longest_measurement_of_a_loop():
    programs = list_gpu_programs(GPU, ["compiled"], [4])
    # 1,000 images/s in all, but 2,000 of steady ones.
    rates = {program.name: 2000 if program.name.endswith(STEADY) else 1000 for program in programs}
    turns = {name: [make_turn(rate)] for name, rate in rates.items()}
    hours = extrapolate({program.name: summarise(program, turns) for program in programs})
    assert hours["22.0 M images in each run of loop eager, FactorVAE"] == 22e6 / 2000 / 3600
    assert hours["1.3 M images in each run of loop eager, decoder"] == 1.28e6 / 2000 / 3600
    assert hours["22.0 M images in each run of 4 × loop eager, β-VAE"] == 22e6 / 250 / 3600
    cells = hours["the 21 cells of dSprites, one after another, captured"]
    assert cells == pytest.approx((18 * 22e6 + 3 * 1.28e6) / 2000 / 3600)
    assert not any("bare" in what for what in hours)


def test_what_fails_or_has_no_time_is_named_and_the_rest_is_measured(monkeypatch, capsys):
    def measure(program, pace):
        if program.name == "b":
            raise EOFError
        return Measurement(
            {"images_per_second": 100, "cores": 1, "gpu_megabytes": 2, "step": 64}, 500, 0
        )

    monkeypatch.setattr(gpu, "measure_undisturbed", measure)
    monkeypatch.setattr(gpu, "extrapolate", lambda results: {})
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    long = replace(make_program("c"), name="c" + STEADY)
    plan = gpu.Plan([*map(make_program, "ab"), long, make_program("d")], 1, 3, 60, 1020)
    *_, report = gpu.measure_all(plan)
    assert list(report.results) == ["a", "d"]
    assert (report.failed, report.left_out) == (["b"], ["c" + STEADY])
    table = gpu.format_table(report)
    assert "failed: b" in table and "left out, for lack of time: c, steady" in table
    assert table.splitlines()[1].split() == ["a", "100", "640,000", "1.00", "2"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """What a short benchmark prints, and its figures."""
    file = tmp_path_factory.mktemp("benchmark") / "cpu.json"
    command = [sys.executable, "benchmarks/cpu.py", "--quick", "--output", str(file)]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.ci
def test_a_quick_benchmark_measures_every_program(quick):
    printed, report = quick
    programs = list_programs(2)
    assert list(report["programs"]) == [program.name for program in programs]
    for program in programs:
        assert f"\n{program.name} " in printed
        result = report["programs"][program.name]
        value = next(iter(result["figures"].values()))
        assert (0 < value < 10) if "seconds" in result["figures"] else (1 < value < 10_000_000)
        assert result["range"] == {"median": value, "min": value, "max": value}
        assert list(result["ratios"]) == list(program.references)
        assert all(0 < ratio["median"] < 100_000 for ratio in result["ratios"].values())
        assert 100 < result["peak"] < 10_000 and 0 <= result["others"] <= 1


@pytest.mark.ci
def test_a_quick_benchmark_compares_gradients_and_names_the_machine(quick):
    printed, report = quick
    gradients, machine = report["gradients"], report["machine"]
    assert gradients["checks"] >= 1 and 0.99 < gradients["cosine_min"] <= 1 + 1e-9
    assert 0 < gradients["error_max"] < 0.1
    assert f"{machine['cpu']}, {machine['cores']} cores" in printed
    assert {"torch", "python", "bf16"} <= set(machine)


@pytest.mark.ci
def test_the_benchmark_of_a_gpu_can_be_rehearsed_on_a_cpu(tmp_path):
    file = tmp_path / "gpu.json"
    words = ["decoder", "2 × loop captured", "bf16", "batches sent"]
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--quick", "--output"]
    done = subprocess.run(
        [*command, str(file), "--only", *words],
        cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["failed"] == report["left_out"] == []
    base = replace(GPU, device="cpu")
    programs = choose(list_gpu_programs(base, ["traced"], [2]), words)
    assert list(report["programs"]) == [program.name for program in programs]
    for name, result in report["programs"].items():
        assert f"\n{name} " in done.stdout
        figures = result["figures"]
        assert 1 < figures["images_per_second"] < 10_000_000 and 0 < figures["cores"] <= 8
        assert figures["step"] == 64 * result["copies"]
    assert report["extrapolated_hours"] and "extrapolated, not measured" in done.stdout
