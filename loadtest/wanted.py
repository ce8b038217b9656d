"""What is asked of a load run, by the environment; README has the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtest.citizen import is_loopback
from loadtest.crowd.profiles import PROFILES
from loadtest.crowd.sizing import Province, size

PEOPLE, PEOPLE_SMALL = 5_000, 30
SECONDS_SMALL = 4.0
IDLE_SECONDS, IDLE_SECONDS_SMALL = 6.0, 0.5


class Unwilling(Exception):
    """Why nothing is run, for the person who asked."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for in the environment."""

    profile: str
    people: int
    seconds: float
    generators: int
    web_processes: int
    small: bool
    province: Province | None
    remote: str

    @property
    def idle_seconds(self) -> float:
        return IDLE_SECONDS_SMALL if self.small else IDLE_SECONDS


def read_wanted(environment: Mapping[str, str]) -> Wanted:
    """Refuses what is malformed, and every address that is not this machine and not named twice."""
    small = environment.get("LOAD_SMALL", "") not in {"", "0"}
    name = environment.get("PROFILE") or "closing_rush"
    if name not in PROFILES:
        raise Unwilling(f"PROFILE={name} is none of {', '.join(PROFILES)}")
    remote = environment.get("REMOTE_TARGET", "").rstrip("/")
    if reason := refusal(remote, environment.get("I_MAY_LOAD", "")):
        raise Unwilling(reason)
    try:
        province = _province(environment)
        seconds = float(environment.get("SECONDS") or 0)
        seconds = seconds or 60 * float(environment.get("MINUTES") or 0)
        seconds = seconds or (SECONDS_SMALL if small else PROFILES[name].seconds)
        people = int(environment.get("PEOPLE") or 0)
        people = people or (size(province).inside_at_once if province else 0)
        generators = int(environment.get("GENERATORS") or 1)
        web_processes = int(environment.get("WEB_PROCESSES") or 1)
    except ValueError as fault:
        raise Unwilling(str(fault)) from None
    if min(seconds, people + 1, generators, web_processes) < 1:
        raise Unwilling("SECONDS, PEOPLE, GENERATORS and WEB_PROCESSES are at least 1")
    return Wanted(
        profile=name,
        people=people or (PEOPLE_SMALL if small else PEOPLE),
        seconds=seconds,
        generators=generators,
        web_processes=web_processes,
        small=small,
        province=province,
        remote=remote,
    )


def refusal(remote: str, named: str) -> str:
    """Why this address is not loaded; "" when it may be.

    A crowd is an attack on whoever did not ask for it, so another machine is named twice.
    """
    parts = urlsplit(remote)
    if not remote or (parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")):
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"REMOTE_TARGET={remote} is no http address"
    if parts.hostname != named:
        return f"{parts.hostname} is another machine: say I_MAY_LOAD={parts.hostname} if you may load it"
    return ""


def _province(environment: Mapping[str, str]) -> Province | None:
    if not environment.get("POPULATION"):
        return None
    shares = {
        name: float(environment[variable])
        for name, variable in (
            ("takes_part", "TAKES_PART"),
            ("last_day", "LAST_DAY"),
            ("last_hour", "LAST_HOUR"),
            ("burst", "BURST"),
        )
        if environment.get(variable)
    }
    return Province(population=int(environment["POPULATION"]), **shares)
