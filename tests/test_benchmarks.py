"""The benchmark of a CPU: its arithmetic, its turns, and every program for a moment."""

import json
import os
import subprocess
import sys

import pytest

import cpu
import turns
from catalogue import choose, list_programs
from conftest import REPOSITORY
from meter import Meter
from programs import Setting
from ratios import Spread, Usage, compare, compute_share
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
    clock, waited = iter([100.0, 101.0, 102.0, 104.0]), []
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    meter = Meter(lambda: waited.append(1), warm_up=20, seconds=4)
    assert [meter.count(10) for _ in range(5)] == [True, True, True, True, False]
    assert waited == [1] and meter.rate == 30 / 4


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
    table = cpu.format_table({program.name: cpu.summarise(program, taken) for program in programs})
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
    results = {program.name: cpu.summarise(program, taken) for program in programs}
    assert len(results["drawing mpi3d, 1 thread"].ratios) == 1
    assert set(results["loop fp32, 1 thread"].ratios) == {
        "bare step fp32, 1 thread", "layers fp32, 1 thread",
    }  # fmt: skip
    assert "opening a file of dSprites to first batch" not in results
    # What is there as a reference alone may lack some of its own.
    assert set(results["loop fp32, 2 threads"].ratios) == {"usual loop fp32, 2 threads"}


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
