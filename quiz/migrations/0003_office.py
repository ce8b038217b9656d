from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("quiz", "0002_constraints")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Appeal",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("case_number", fields.CharField(unique=True, max_length=30)),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="appeals",
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
                        related_name="appeals",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("attempt_id", fields.UUIDField(null=True)),
                ("subject", fields.CharField(max_length=12)),
                ("question_position", fields.SmallIntField(null=True)),
                ("question_version_id", fields.BigIntField(null=True)),
                ("body", fields.TextField(unique=False)),
                ("state", fields.CharField(default="open", max_length=10)),
                ("decision", fields.TextField(default="", unique=False)),
                ("decided_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "appeal",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A participant disagrees; a case with a number and a decision.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Attachment",
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
                        related_name="attachments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("file_name", fields.CharField(max_length=100)),
                ("media_type", fields.CharField(max_length=60)),
                ("digest", fields.CharField(max_length=64)),
                ("content", fields.BinaryField()),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "attachment",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A signed PDF of a contest: its rules, its minutes.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Correction",
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
                        related_name="corrections",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("question_version_id", fields.BigIntField()),
                ("kind", fields.CharField(max_length=12)),
                ("right_options", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("reason", fields.TextField(unique=False)),
                ("state", fields.CharField(default="proposed", max_length=10)),
                ("preview", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("outcome", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("proposed_by_id", fields.BigIntField(null=True)),
                ("approved_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("applied_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "correction",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A wrong key mended: what becomes of one question of a round, for everybody who had it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Disqualification",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "participant",
                    fields.ForeignKeyField(
                        "quiz.Participant",
                        source_field="participant_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="disqualifications",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="disqualifications",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("reason", fields.TextField(unique=False)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("lift_reason", fields.TextField(default="", unique=False)),
                ("lifted_by_id", fields.BigIntField(null=True)),
                ("lifted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "disqualification",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A participant taken out of the ranking, with the reason; the attempts stay.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Draw",
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
                        related_name="draws",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "division",
                    fields.ForeignKeyField(
                        "quiz.Division",
                        source_field="division_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="draws",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("purpose", fields.CharField(max_length=10)),
                ("title", fields.CharField(max_length=255)),
                ("entrants", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("entrants_digest", fields.CharField(max_length=64)),
                ("winner_count", fields.IntField()),
                ("secret", fields.CharField(max_length=64)),
                ("commitment", fields.CharField(max_length=64)),
                ("beacon_rule", fields.TextField(unique=False)),
                ("beacon", fields.TextField(default="", unique=False)),
                ("outcome", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("committed_by_id", fields.BigIntField(null=True)),
                ("committed_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("revealed_by_id", fields.BigIntField(null=True)),
                (
                    "revealed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "draw",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A draw of lots that anybody can run again: committed, then revealed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Eligibility",
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
                        related_name="eligibilities",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("phone", fields.CharField(max_length=16)),
                ("note", fields.TextField(default="", unique=False)),
            ],
            options={
                "table": "eligibility",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "Somebody who may take part in a contest by list.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Extension",
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
                        related_name="extensions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("unit_id", fields.BigIntField(null=True)),
                (
                    "participant",
                    fields.ForeignKeyField(
                        "quiz.Participant",
                        source_field="participant_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="extensions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("seconds", fields.IntField()),
                ("reason", fields.TextField(unique=False)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "extension",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "More time for a person, a unit or everybody in a round, with the reason; only added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Notice",
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
                        related_name="notices",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("body", fields.TextField(unique=False)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "notice",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A line shown to everybody who is inside a contest, until it ends.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Prize",
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
                        related_name="prizes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="prizes",
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
                        related_name="prizes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("kind", fields.CharField(max_length=12)),
                ("measure", fields.CharField(default="", max_length=12)),
                ("block", fields.CharField(default="", max_length=40)),
                ("name", fields.CharField(max_length=120)),
                ("prize_count", fields.SmallIntField()),
                ("reward", fields.CharField(default="", max_length=255)),
                ("position", fields.SmallIntField()),
            ],
            options={
                "table": "prize",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "So many prizes of one rank: of a round or overall, of a division or all, people or units.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Award",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "prize",
                    fields.ForeignKeyField(
                        "quiz.Prize",
                        source_field="prize_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="awards",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "participant",
                    fields.ForeignKeyField(
                        "quiz.Participant",
                        source_field="participant_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="awards",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("unit_id", fields.BigIntField(null=True)),
                ("place", fields.IntField()),
                ("printed_name", fields.CharField(max_length=255)),
                ("unit_name", fields.CharField(default="", max_length=255)),
                ("state", fields.CharField(default="given", max_length=12)),
                ("note", fields.TextField(default="", unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "award",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "Who gets a prize; name and unit as at the final result.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="QuestionComment",
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
                        related_name="comments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("version_number", fields.IntField()),
                ("kind", fields.CharField(default="said", max_length=10)),
                ("body", fields.TextField(default="", unique=False)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "question_comment",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "What reviewers and writers tell each other about a question; rows are only added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="QuestionImport",
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
                        related_name="imports",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("file_name", fields.CharField(max_length=100)),
                ("file_format", fields.CharField(max_length=20)),
                ("items", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("losses", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("state", fields.CharField(default="open", max_length=10)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "question_import",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A file that was understood and waits for somebody to look at it: nothing is in the bank yet.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="QuestionStatistic",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("question_id", fields.BigIntField()),
                ("question_version_id", fields.BigIntField()),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("computed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "question_statistic",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "Item analysis of one question in one round, as quiz.item_analysis computed it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ResultSnapshot",
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
                        related_name="snapshots",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "quiz.Round",
                        source_field="round_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="snapshots",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("digest", fields.CharField(max_length=64)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                (
                    "published_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "result_snapshot",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "The final result of a round or of the whole contest, as it was signed; never changed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RoundMinute",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("minute_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("start_count", fields.IntField()),
                ("save_count", fields.IntField()),
                ("submit_count", fields.IntField()),
                ("refusal_count", fields.IntField()),
            ],
            options={
                "table": "round_minute",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "What happened in a round in one minute, added up by the web processes every few seconds.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RoundStatistic",
            fields=[
                (
                    "round_id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("computed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "round_statistic",
                "app": "quiz",
                "pk_attr": "round_id",
                "table_description": "Reliability of a round's paper and the spread of its scores, as last computed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Suspicion",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("participant_id", fields.BigIntField()),
                ("pattern", fields.CharField(max_length=30)),
                ("evidence", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("state", fields.CharField(default="new", max_length=10)),
                ("note", fields.TextField(default="", unique=False)),
                ("reviewed_by_id", fields.BigIntField(null=True)),
                (
                    "reviewed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("found_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "suspicion",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A pattern that somebody should look at, with its evidence; it never bans anybody.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TopicStatistic",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("unit_id", fields.BigIntField()),
                ("topic", fields.CharField(max_length=60)),
                ("answer_count", fields.IntField()),
                ("correct_count", fields.IntField()),
                ("people_count", fields.IntField()),
            ],
            options={
                "table": "topic_statistic",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "How well a unit's people answered a topic in a round: the knowledge map.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Contest",
            name="board_hidden_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Contest",
            name="entry_stopped_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Contest",
            name="is_by_list",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Contest",
            name="is_one_prize",
            field=fields.BooleanField(db_default=True),
        ),
        ops.AddField(
            model_name="Contest",
            name="oldest_age",
            field=fields.SmallIntField(null=True),
        ),
        ops.AddField(
            model_name="Contest",
            name="start_stopped_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Question",
            name="assignee_id",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Question",
            name="tags",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        ops.AddField(
            model_name="QuestionVersion",
            name="link_url",
            field=fields.TextField(db_default="", unique=False),
        ),
        ops.AddField(
            model_name="Round",
            name="appeals_until",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Round",
            name="finalised_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Round",
            name="finalised_by_id",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Round",
            name="prediction_frozen_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Round",
            name="scoring_version",
            field=fields.IntField(db_default=1),
        ),
        ops.AddField(
            model_name="RulesText",
            name="attachment",
            field=fields.ForeignKeyField(
                "quiz.Attachment",
                source_field="attachment_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="rules",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="Score",
            name="scoring_version",
            field=fields.IntField(db_default=1),
        ),
        ops.AddField(
            model_name="Standing",
            name="draw_order",
            field=fields.IntField(null=True),
        ),
        ops.AddField(
            model_name="Standing",
            name="is_ranked",
            field=fields.BooleanField(db_default=True),
        ),
    ]
