"""Calls in the background: in their order, and never waited for."""

import threading
import time

import pytest

from disentgen import background
from disentgen.background import Background, summarize, wait_for


def fail():
    raise OSError("no route to host.\nSecond line")


def test_calls_are_made_in_their_order_by_one_thread():
    made, threads = [], set()
    worker = Background("it")
    for number in range(50):
        worker.call(lambda number=number: (made.append(number), threads.add(threading.get_ident())))
    worker.end(5)
    assert made == list(range(50))
    assert len(threads) == 1 and threads != {threading.get_ident()}


def test_a_failure_is_said_once_and_ends_all_calls(capsys):
    made, worker = [], Background("it")
    for action in (fail, fail, lambda: made.append(1)):
        worker.call(action)
    worker.end(5)
    worker.call(lambda: made.append(2))
    worker.end(5)
    assert made == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: it does not receive this run from ")
    assert "(no route to host); the run goes on" in line


def test_what_recovers_is_called_again_and_says_so(capsys):
    made, worker = [], Background("it", recover=lambda: made.append("recovered"))
    for action in (fail, fail, lambda: made.append("called")):
        worker.call(action)
    worker.end(5)
    assert made == [*["recovered"] * 4, "called"]
    lost, again = capsys.readouterr().err.splitlines()
    assert "does not receive" in lost and "receives this run again" in again


def test_a_call_is_made_once_more_after_recovery(capsys):
    broken = [True]
    worker = Background("it", recover=broken.clear)
    worker.call(lambda: fail() if broken else None)
    worker.end(5)
    assert capsys.readouterr().err == ""


def test_nobody_waits_for_what_hangs(capsys, monkeypatch):
    monkeypatch.setattr(background, "PATIENCE", 0.1)
    release = threading.Event()
    hanging, other = Background("hanging"), Background("other")
    began = time.monotonic()
    hanging.call(release.wait)
    time.sleep(0.2)
    hanging.call(lambda: None)
    other.call(release.wait)
    assert time.monotonic() - began < 1
    with pytest.raises(TimeoutError):
        hanging.ask(lambda: 1).result(0.1)
    wait_for([hanging, other], 0.3)
    assert time.monotonic() - began < 2
    release.set()
    lines = capsys.readouterr().err.splitlines()
    assert ["hanging" in line for line in lines] == [True, False]
    assert "it does not answer" in lines[0] and "in time" in lines[1]


def test_of_one_kind_the_last_call_that_waits_is_made():
    made, release = [], threading.Event()
    worker = Background("it")
    worker.call(release.wait)
    for number in range(3):
        worker.call(lambda number=number: made.append(number), kind="state")
    worker.call(lambda: made.append("else"))
    worker.call(lambda: made.append(3), kind="state")
    release.set()
    worker.end(5)
    assert made == [2, "else", 3]


def test_what_is_asked_is_answered():
    worker = Background("it")
    assert worker.ask(lambda: 3).result(5) == 3
    with pytest.raises(OSError, match="no route"):
        worker.ask(fail).result(5)
    assert worker.ask(lambda: 4).result(5) == 4


def test_errors_are_summarized_in_a_line():
    assert summarize(OSError("first.\nsecond")) == "first"
    assert summarize(KeyError()) == "KeyError"
    assert len(summarize(OSError("a" * 1000))) < 130
