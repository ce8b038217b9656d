"""What can a provider have done with a message?"""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """A channel's answer; the sender, not the channel, decides what follows from it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good: a repeat would be refused too
    TRY_LATER = "try_later"  # surely not sent
    UNKNOWN = "unknown"  # perhaps sent: never blindly repeated
