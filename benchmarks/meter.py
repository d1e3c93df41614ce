"""The window of time in which a program is measured, inside the program's own process."""

import time
from collections.abc import Callable
from pathlib import Path


class Meter:
    """Counts images from when a program has warmed up until its time is over.

    Args:
        wait: returns when the window may open; it is called once, warmed up.
        warm_up: images before the window.
        seconds: that the window is open, at least.
    """

    def __init__(self, wait: Callable[[], object], warm_up: int, seconds: float):
        self.wait, self.warm_up, self.seconds = wait, warm_up, seconds
        self.images, self.step, self.elapsed = 0, 0, 0.0
        self.opened_at: float | None = None
        self.worked, self._worked_before = 0.0, 0.0
        #: Waits for a device that works behind what is counted.
        self.settle: Callable[[], object] = lambda: None

    def open(self) -> None:
        """Start counting, once this may be."""
        self.settle()
        self.wait()
        self._worked_before = time.process_time()
        self.images, self.opened_at = 0, time.perf_counter()

    def count(self, images: int) -> bool:
        """Count the images of a step; whether the program is to go on."""
        self.images, self.step = self.images + images, images
        if self.opened_at is None:
            if self.images >= self.warm_up:
                self.open()
            return True
        if self.close() < self.seconds:
            return True
        self.settle()
        self.worked = time.process_time() - self._worked_before
        self.close()
        return False

    def close(self) -> float:
        """Seconds since the window was opened."""
        assert self.opened_at is not None
        self.elapsed = time.perf_counter() - self.opened_at
        return self.elapsed

    @property
    def rate(self) -> float:
        """Images a second in the window."""
        return self.images / self.elapsed

    @property
    def cores(self) -> float:
        """Cores of the CPU that the process used in the window, on average."""
        return self.worked / self.elapsed


def read_peak() -> float:
    """The most memory that this process has held so far, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kibibytes * 1024 / 1e6


def read_from_disk() -> float:
    """What this process has had read from a disk so far, rather than from memory, in MB."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes")) / 1e6
