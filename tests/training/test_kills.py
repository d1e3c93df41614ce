"""A training that is killed at any moment comes to the same end as if it had not been."""

import random

import pytest

from disentgen.run_directory import RunDirectory
from kills import CASES, Kill, read_outcome, train_case

#: Minutes between checkpoints, so few that every step is saved.
EVERY_STEP = 1e-9


def find_last(operations, operation):
    return max(number for number, name in enumerate(operations) if name == operation)


@pytest.mark.ci
def test_a_run_killed_inside_an_epoch_or_between_its_last_files_ends_as_if_it_had_not_been(
    tmp_path,
):
    """Of these the last one has its last checkpoint, and not that checkpoint's history."""
    operations = train_case("factor", EVERY_STEP, tmp_path / "whole")
    whole = read_outcome(tmp_path / "whole")
    kills = [Kill(step=6), Kill(operation=find_last(operations, "os.rename history.csv"))]
    for number, kill in enumerate(kills):
        folder = tmp_path / str(number)
        train_case("factor", EVERY_STEP, folder, kill)
        assert not (folder / "results.json").exists()
        if kill.step:
            assert RunDirectory(folder).load_checkpoint()["step"] == kill.step
        train_case("factor", EVERY_STEP, folder)
        assert read_outcome(folder) == whole


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [EVERY_STEP, 10, None])
@pytest.mark.parametrize("name", CASES)
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path, name, minutes):
    draw = random.Random(f"{name} {minutes}")
    operations = train_case(name, minutes, tmp_path / "whole")
    whole = read_outcome(tmp_path / "whole")
    kills = [
        *(Kill(operation=number) for number in range(draw.randrange(9), len(operations), 13)),
        *(Kill(step=draw.randrange(1, 13)) for _ in range(2)),
    ]
    for number, kill in enumerate(kills):
        folder = tmp_path / str(number)
        train_case(name, minutes, folder, kill)
        if number % 3 == 0:  # a second time
            train_case(name, minutes, folder, Kill(operation=draw.randrange(len(operations))))
        train_case(name, minutes, folder)
        assert read_outcome(folder) == whole, kill
