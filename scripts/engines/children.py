"""Commands that are run beside each other, and end with the one that has started them."""

import subprocess
import threading
from collections.abc import Sequence
from typing import Any


class Children:
    """Processes that end when this one is interrupted, as after a signal of their own."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[str]] = set()
        self.is_interrupted = False
        self.lock = threading.Lock()

    def call(self, command: Sequence[str], **streams: Any) -> tuple[int, str]:
        """Run a command; its exit status, and what it printed to ``stderr`` if that is a pipe.

        Args:
            command: with its words.
            streams: as of :class:`subprocess.Popen`.
        """
        with self.lock:
            if self.is_interrupted:
                return 1, ""
            process = subprocess.Popen(command, text=True, **streams)
            self.running.add(process)
        try:
            _, printed = process.communicate()
        finally:
            with self.lock:
                self.running.discard(process)
        return process.returncode, printed or ""

    def interrupt(self) -> None:
        """Ask all of them to end; whoever called them waits until they have."""
        with self.lock:
            self.is_interrupted = True
            for process in self.running:
                process.terminate()
