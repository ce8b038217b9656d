"""Which time did organisers grant beyond a round's own window: the pieces of SQL that ask it?

An extension for everybody moves the round's own close; one for a unit or a person moves the close
for them alone. Both lengthen the attempts that were open when it was granted.
"""

from __future__ import annotations


def reaches(extension: str, *, participant_id: str, unit_id: str) -> str:
    """Whether the extension row is meant for this participant, by itself or by its unit."""
    return f"""
        ({extension}.participant_id = {participant_id} OR EXISTS (
            SELECT FROM unit own JOIN unit wide ON wide.id = {extension}.unit_id
            WHERE own.id = {unit_id} AND starts_with(own.path, wide.path)))
    """


def is_for_all(extension: str) -> str:
    return f"({extension}.participant_id IS NULL AND {extension}.unit_id IS NULL)"


def own_time(*, round_id: str, participant_id: str, unit_id: str) -> str:
    """An interval: how much later than the public close a round closes for this participant.

    In a round without extensions this is one look into an index that has nothing to give.
    """
    mine = reaches("e", participant_id=participant_id, unit_id=unit_id)
    return (
        "(SELECT coalesce(sum(e.seconds), 0) * interval '1 second' FROM extension e "  # noqa: S608 — column names of our own statements
        f"WHERE e.round_id = {round_id} AND {mine})"
    )


# When the round `r` has closed for everybody: its public close, and what was granted to the unit
# with most and to the person with most; nobody has more than both together.
LAST_CLOSE = """
(r.closes_at + interval '1 second' * (
    coalesce((
        SELECT max(total) FROM (
            SELECT sum(wider.seconds) AS total
            FROM extension e JOIN unit narrow ON narrow.id = e.unit_id
            JOIN extension wider ON wider.round_id = r.id
            JOIN unit wide ON wide.id = wider.unit_id AND starts_with(narrow.path, wide.path)
            WHERE e.round_id = r.id GROUP BY e.id
        ) by_unit
    ), 0) + coalesce((
        SELECT max(total) FROM (
            SELECT sum(e.seconds) AS total FROM extension e
            WHERE e.round_id = r.id AND e.participant_id IS NOT NULL GROUP BY e.participant_id
        ) by_person
    ), 0)))
"""
