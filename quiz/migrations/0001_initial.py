from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from uuid import uuid4
from tortoise import fields


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="BoardSnapshot",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("taken_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "board_snapshot",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "The public board as it stood when a round's freeze began.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Image",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("digest", fields.CharField(unique=True, max_length=64)),
                ("media_type", fields.CharField(max_length=30)),
                ("content", fields.BinaryField()),
            ],
            options={"table": "image", "app": "quiz", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LegalSource",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("document", fields.CharField(unique=True, max_length=255)),
                ("url", fields.TextField(default="", unique=False)),
                ("valid_from", fields.DateField(null=True)),
                ("valid_to", fields.DateField(null=True)),
            ],
            options={
                "table": "legal_source",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A document that questions rest on; when it lapses, they may not be drawn any more.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Participation",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("unit_id", fields.BigIntField()),
                ("division_id", fields.BigIntField()),
                ("hour_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("people_count", fields.IntField()),
                ("attempt_count", fields.IntField()),
            ],
            options={
                "table": "participation",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "People and attempts by round, unit, division and hour; people count in their first hour.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="QuestionBank",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=60)),
                ("name", fields.CharField(max_length=255)),
            ],
            options={"table": "question_bank", "app": "quiz", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Contest",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("slug", fields.CharField(unique=True, max_length=80)),
                ("name", fields.CharField(max_length=255)),
                ("summary", fields.TextField(default="", unique=False)),
                ("audience", fields.TextField(default="", unique=False)),
                ("organiser", fields.CharField(default="", max_length=255)),
                (
                    "bank",
                    fields.ForeignKeyField(
                        "quiz.QuestionBank",
                        source_field="bank_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="contests",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("unit_id", fields.BigIntField(null=True)),
                ("youngest_age", fields.SmallIntField(null=True)),
                ("state", fields.CharField(default="draft", max_length=10)),
                ("comparators", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("prediction", fields.CharField(default="", max_length=20)),
                ("review", fields.CharField(default="after_close", max_length=20)),
                ("board_freeze_seconds", fields.IntField(default=0)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("approved_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={"table": "contest", "app": "quiz", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Division",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contest",
                    fields.ForeignKeyField(
                        "quiz.Contest",
                        source_field="contest_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="divisions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("code", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=255)),
                ("position", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "division",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "Participants who are ranked apart.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Exclusion",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contest",
                    fields.ForeignKeyField(
                        "quiz.Contest",
                        source_field="contest_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="exclusions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("phone", fields.CharField(max_length=16)),
                ("reason", fields.TextField(default="", unique=False)),
            ],
            options={
                "table": "exclusion",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "Somebody who may not take part: organisers, jury, question writers.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Participant",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contest",
                    fields.ForeignKeyField(
                        "quiz.Contest",
                        source_field="contest_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="participants",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("person_id", fields.BigIntField()),
                (
                    "division",
                    fields.ForeignKeyField(
                        "quiz.Division",
                        source_field="division_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="participants",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("unit_id", fields.BigIntField()),
                ("shown_name", fields.CharField(max_length=120)),
                ("entered_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "participant",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A person entered in one contest, with the unit and division of that moment.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Question",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "bank",
                    fields.ForeignKeyField(
                        "quiz.QuestionBank",
                        source_field="bank_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="questions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("code", fields.CharField(max_length=60)),
                ("state", fields.CharField(default="draft", max_length=12)),
                ("author_id", fields.BigIntField(null=True)),
                ("approver_id", fields.BigIntField(null=True)),
            ],
            options={"table": "question", "app": "quiz", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Round",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contest",
                    fields.ForeignKeyField(
                        "quiz.Contest",
                        source_field="contest_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="rounds",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("number", fields.SmallIntField()),
                ("name", fields.CharField(max_length=120)),
                ("opens_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closes_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("opens_as_written", fields.CharField(default="", max_length=80)),
                ("closes_as_written", fields.CharField(default="", max_length=80)),
                ("time_limit_seconds", fields.IntField()),
                ("attempt_limit", fields.SmallIntField(null=True)),
                ("counting", fields.CharField(default="best", max_length=5)),
                ("cooldown_seconds", fields.IntField(default=0)),
                ("result", fields.CharField(default="none", max_length=12)),
                ("prediction_actual", fields.BigIntField(null=True)),
            ],
            options={
                "table": "round",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "One window with its own paper and attempt policy.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "participant",
                    fields.ForeignKeyField(
                        "quiz.Participant",
                        source_field="participant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attempts",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attempts",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.SmallIntField()),
                ("division_id", fields.BigIntField()),
                ("unit_id", fields.BigIntField()),
                ("pool_id", fields.BigIntField()),
                ("seed", fields.CharField(max_length=32)),
                ("drawing_version", fields.SmallIntField()),
                ("rules_version", fields.IntField()),
                ("state", fields.CharField(default="open", max_length=10)),
                ("opening", fields.IntField(default=0)),
                ("answers", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("prediction", fields.BigIntField(null=True)),
                ("saved_seq", fields.BigIntField(default=0)),
                ("saved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("deadline_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("receipt", fields.CharField(null=True, max_length=20)),
                ("is_scored", fields.BooleanField(default=False)),
            ],
            options={
                "table": "attempt",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": 'One go at a round. Answers are {"position": [option positions]} of this attempt\'s paper.',
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Pool",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="pools",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "division",
                    fields.ForeignKeyField(
                        "quiz.Division",
                        source_field="division_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="pools",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("digest", fields.CharField(max_length=64)),
                ("frozen_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "pool",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "The frozen version of a round's questions and blueprint, for one division or for all.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RulesText",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contest",
                    fields.ForeignKeyField(
                        "quiz.Contest",
                        source_field="contest_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="rules",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("version", fields.IntField()),
                ("body", fields.TextField(unique=False)),
                ("change_note", fields.TextField(default="", unique=False)),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "rules_text",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "The rules as published; each attempt pins the version that it was made under.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Score",
            fields=[
                (
                    "attempt_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("points", fields.IntField()),
                ("correct_count", fields.SmallIntField()),
                ("question_count", fields.SmallIntField()),
                ("duration_ms", fields.IntField()),
                ("scored_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "score",
                "app": "quiz",
                "pk_attr": "attempt_id",
                "table_description": "What the scoring rule gave to one attempt; points are thousandths of a point.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ScoreTally",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("division_id", fields.BigIntField()),
                ("correct_count", fields.SmallIntField()),
                ("attempt_count", fields.IntField()),
            ],
            options={
                "table": "score_tally",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "How many attempts of a round and division had so many questions right.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Standing",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="standings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "participant",
                    fields.ForeignKeyField(
                        "quiz.Participant",
                        source_field="participant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="standings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("division_id", fields.BigIntField()),
                ("unit_id", fields.BigIntField()),
                ("attempt_id", fields.UUIDField()),
                ("attempt_count", fields.IntField()),
                ("points", fields.IntField()),
                ("correct_count", fields.SmallIntField()),
                ("question_count", fields.SmallIntField()),
                ("duration_ms", fields.IntField()),
                ("prediction", fields.BigIntField(null=True)),
                ("closed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("rank_key", fields.BinaryField()),
                ("bucket", fields.BinaryField()),
            ],
            options={
                "table": "standing",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "The attempt that counts for a participant in a round, and the key that ranks it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StandingBucket",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("division_id", fields.BigIntField()),
                ("bucket", fields.BinaryField()),
                ("people_count", fields.IntField()),
            ],
            options={
                "table": "standing_bucket",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "How many standings share a first comparator: a rank without counting a million rows.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Topic",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "bank",
                    fields.ForeignKeyField(
                        "quiz.QuestionBank",
                        source_field="bank_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="topics",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("code", fields.CharField(max_length=60)),
                ("name", fields.CharField(max_length=255)),
            ],
            options={"table": "topic", "app": "quiz", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BlueprintLine",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="blueprint",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "division",
                    fields.ForeignKeyField(
                        "quiz.Division",
                        source_field="division_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="blueprint",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "topic",
                    fields.ForeignKeyField(
                        "quiz.Topic",
                        source_field="topic_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="blueprint",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("difficulty", fields.CharField(max_length=10)),
                ("question_count", fields.SmallIntField()),
            ],
            options={
                "table": "blueprint_line",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "So many questions of a topic and a difficulty; without a division it holds for all.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="QuestionVersion",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "question",
                    fields.ForeignKeyField(
                        "quiz.Question",
                        source_field="question_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.IntField()),
                ("is_current", fields.BooleanField(default=True)),
                (
                    "topic",
                    fields.ForeignKeyField(
                        "quiz.Topic",
                        source_field="topic_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("difficulty", fields.CharField(max_length=10)),
                ("kind", fields.CharField(max_length=12)),
                ("text", fields.TextField(unique=False)),
                ("text_key", fields.TextField(unique=False)),
                ("options", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("explanation", fields.TextField(default="", unique=False)),
                (
                    "source",
                    fields.ForeignKeyField(
                        "quiz.LegalSource",
                        source_field="source_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("source_article", fields.CharField(default="", max_length=255)),
                (
                    "image",
                    fields.ForeignKeyField(
                        "quiz.Image",
                        source_field="image_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("image_alt", fields.TextField(default="", unique=False)),
                ("valid_from", fields.DateField(null=True)),
                ("valid_to", fields.DateField(null=True)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "question_version",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "The words of a question at one time; editing adds a version, attempts keep theirs.",
            },
            bases=["Model"],
        ),
    ]
