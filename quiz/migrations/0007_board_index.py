"""The board's index ends with the participant: a page far down is found in the index alone."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = """
DROP INDEX standing_ranked;
CREATE INDEX standing_ranked ON standing (round_id, division_id, rank_key, participant_id)
    WHERE is_ranked;
"""


class Migration(migrations.Migration):
    """Adds the last column."""

    dependencies = [("quiz", "0006_rehearsal")]
    operations = [ops.RunSQL(FORWARD)]
