"""Commands that a sweep starts end with it."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from subprocess import DEVNULL, PIPE

from engines.children import Children


def test_a_command_has_its_status_and_what_it_printed():
    program = "import sys; print('out'); print('wrong', file=sys.stderr); sys.exit(4)"
    called = Children().call([sys.executable, "-c", program], stdout=DEVNULL, stderr=PIPE)
    assert called == (4, "wrong\n")


def test_an_interruption_ends_those_that_run_and_starts_no_other():
    children = Children()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(children.call, ["sleep", "60"])
        while not children.running:
            time.sleep(0.01)
        children.interrupt()
        assert running.result(timeout=10)[0] == -15
    assert children.call(["sleep", "60"]) == (1, "")
    assert children.running == set()
