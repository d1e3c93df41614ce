"""What Sacred keeps of a run, in ``run.json``: the one place that knows its layout."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

#: A run that says RUNNING, and whose last sign of life is older than this, is dead.
STALE_SECONDS = 60
#: By how much the clocks of two machines may differ; a later sign of life is none.
SKEW_SECONDS = 10


@dataclass(frozen=True)
class Record:
    """The content of ``run.json``; of a file that is not there, nothing is known.

    Args:
        content: the file's, as plain data.
    """

    content: Mapping[str, Any]

    @property
    def status(self) -> str:
        """What Sacred wrote last; UNKNOWN if nothing."""
        return str(self.content.get("status", "UNKNOWN"))

    @property
    def start_time(self) -> str | None:
        """When the run was last started or went on: UTC, ISO 8601."""
        return self.content.get("start_time")

    @property
    def program(self) -> str:
        """The file that was run, without its ending: an option can change the experiment's name."""
        return PurePath(self.content.get("experiment", {}).get("mainfile") or "").stem

    @property
    def comment(self) -> str:
        """What the user noted on the command line."""
        return str(self._meta.get("comment") or "")

    @property
    def words(self) -> list[str]:
        """The words of the command line after ``with`` that say what the run is."""
        words = self._meta.get("options", {}).get("UPDATE") or []
        return [word for word in words if word != "resume=auto"]

    @property
    def hostname(self) -> str | None:
        """The machine that the run took place on."""
        hostname: str | None = self.content.get("host", {}).get("hostname")
        return hostname

    @property
    def seconds_since_beat(self) -> float | None:
        """Seconds since the last sign of life."""
        beat = self.content.get("heartbeat") or self.content.get("start_time")
        return None if beat is None else seconds_since(beat)

    @property
    def beats(self) -> bool:
        """Whether there has been a sign of life of late."""
        age = self.seconds_since_beat
        return age is not None and -SKEW_SECONDS < age < STALE_SECONDS

    @property
    def failure(self) -> str | None:
        """The last line of the traceback of a run that has failed; None of any other."""
        lines = "".join(self.content.get("fail_trace") or ()).strip().splitlines()
        return lines[-1] if lines else None

    @property
    def _meta(self) -> Mapping[str, Any]:
        meta: Mapping[str, Any] = self.content.get("meta", {})
        return meta


def seconds_since(moment: str) -> float:
    """Seconds since a time that Sacred wrote down: ISO 8601, in UTC, without its offset."""
    then = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC)
    return (datetime.datetime.now(datetime.UTC) - then).total_seconds()
