"""Which tables hold questions, contests, attempts and results?"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class QuestionBank(Model):
    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=60, unique=True)
    name = fields.CharField(max_length=255)

    class Meta:
        table = "question_bank"


class Topic(Model):
    id = fields.BigIntField(primary_key=True)
    bank: fields.ForeignKeyRelation[QuestionBank] = fields.ForeignKeyField(
        "quiz.QuestionBank", on_delete=fields.CASCADE, related_name="topics"
    )
    code = fields.CharField(max_length=60)
    name = fields.CharField(max_length=255)

    class Meta:
        table = "topic"


class LegalSource(Model):
    """A document that questions rest on; when it lapses, they may not be drawn any more."""

    id = fields.BigIntField(primary_key=True)
    document = fields.CharField(max_length=255, unique=True)
    url = fields.TextField(default="")
    valid_from = fields.DateField(null=True)
    valid_to = fields.DateField(null=True)

    class Meta:
        table = "legal_source"


class Image(Model):
    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)  # SHA-256 of the bytes
    media_type = fields.CharField(max_length=30)
    content = fields.BinaryField()

    class Meta:
        table = "image"


class Question(Model):
    id = fields.BigIntField(primary_key=True)
    bank: fields.ForeignKeyRelation[QuestionBank] = fields.ForeignKeyField(
        "quiz.QuestionBank", on_delete=fields.RESTRICT, related_name="questions"
    )
    code = fields.CharField(max_length=60)
    state = fields.CharField(max_length=12, default="draft")  # draft, approved, retired
    author_id = fields.BigIntField(null=True)
    approver_id = fields.BigIntField(null=True)

    class Meta:
        table = "question"


class QuestionVersion(Model):
    """The words of a question at one time; editing adds a version, attempts keep theirs."""

    id = fields.BigIntField(primary_key=True)
    question: fields.ForeignKeyRelation[Question] = fields.ForeignKeyField(
        "quiz.Question", on_delete=fields.RESTRICT, related_name="versions"
    )
    number = fields.IntField()
    is_current = fields.BooleanField(default=True)
    topic: fields.ForeignKeyRelation[Topic] = fields.ForeignKeyField(
        "quiz.Topic", on_delete=fields.RESTRICT, related_name="versions"
    )
    difficulty = fields.CharField(max_length=10)  # easy, medium, hard
    kind = fields.CharField(max_length=12)  # single, multiple, true_false
    text = fields.TextField()
    text_key = fields.TextField()  # folded: duplicates and search
    options: fields.JSONField[Any] = fields.JSONField()  # [{"text", "is_correct", "is_pinned"}]
    explanation = fields.TextField(default="")
    source: fields.ForeignKeyNullableRelation[LegalSource] = fields.ForeignKeyField(
        "quiz.LegalSource", null=True, on_delete=fields.RESTRICT, related_name="versions"
    )
    source_article = fields.CharField(max_length=255, default="")
    image: fields.ForeignKeyNullableRelation[Image] = fields.ForeignKeyField(
        "quiz.Image", null=True, on_delete=fields.RESTRICT, related_name="versions"
    )
    image_alt = fields.TextField(default="")
    valid_from = fields.DateField(null=True)
    valid_to = fields.DateField(null=True)
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "question_version"


class Contest(Model):
    id = fields.BigIntField(primary_key=True)
    slug = fields.CharField(max_length=80, unique=True)
    name = fields.CharField(max_length=255)
    summary = fields.TextField(default="")
    audience = fields.TextField(default="")  # "Dành cho …", shown to people
    organiser = fields.CharField(max_length=255, default="")
    bank: fields.ForeignKeyRelation[QuestionBank] = fields.ForeignKeyField(
        "quiz.QuestionBank", on_delete=fields.RESTRICT, related_name="contests"
    )
    unit_id = fields.BigIntField(null=True)  # people below this unit may enter; empty: everybody
    youngest_age = fields.SmallIntField(null=True)
    state = fields.CharField(max_length=10, default="draft")  # draft, in_review, approved, final
    comparators: fields.JSONField[Any] = (
        fields.JSONField()
    )  # names from quiz.ranking.COMPARATORS, the first weighs most
    prediction = fields.CharField(max_length=20, default="")  # people, attempts, people_all_correct
    review = fields.CharField(max_length=20, default="after_close")  # what quiz.review knows
    board_freeze_seconds = fields.IntField(default=0)  # before a round closes
    created_by_id = fields.BigIntField(null=True)
    approved_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "contest"


class RulesText(Model):
    """The rules as published; each attempt pins the version that it was made under."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="rules"
    )
    version = fields.IntField()
    body = fields.TextField()  # paragraphs; "## " starts a heading, "- " a list item
    change_note = fields.TextField(default="")
    published_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "rules_text"


class Division(Model):
    """Participants who are ranked apart."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="divisions"
    )
    code = fields.CharField(max_length=40)  # can-bo, nguoi-dan, hoc-sinh …
    name = fields.CharField(max_length=255)
    position = fields.SmallIntField(default=0)

    class Meta:
        table = "division"


class Round(Model):
    """One window with its own paper and attempt policy."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="rounds"
    )
    number = fields.SmallIntField()
    name = fields.CharField(max_length=120)
    opens_at = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    opens_as_written = fields.CharField(max_length=80, default="")
    closes_as_written = fields.CharField(max_length=80, default="")
    time_limit_seconds = fields.IntField()
    attempt_limit = fields.SmallIntField(null=True)  # empty: unlimited
    counting = fields.CharField(max_length=5, default="best")  # best, last, first
    cooldown_seconds = fields.IntField(default=0)
    result = fields.CharField(max_length=12, default="none")  # none, provisional, final
    prediction_actual = fields.BigIntField(null=True)  # frozen once

    class Meta:
        table = "round"


class BlueprintLine(Model):
    """So many questions of a topic and a difficulty; without a division it holds for all."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.CASCADE, related_name="blueprint"
    )
    division: fields.ForeignKeyNullableRelation[Division] = fields.ForeignKeyField(
        "quiz.Division", null=True, on_delete=fields.CASCADE, related_name="blueprint"
    )
    topic: fields.ForeignKeyRelation[Topic] = fields.ForeignKeyField(
        "quiz.Topic", on_delete=fields.RESTRICT, related_name="blueprint"
    )
    difficulty = fields.CharField(max_length=10)
    question_count = fields.SmallIntField()

    class Meta:
        table = "blueprint_line"


class Pool(Model):
    """The frozen version of a round's questions and blueprint, for one division or for all."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.RESTRICT, related_name="pools"
    )
    division: fields.ForeignKeyNullableRelation[Division] = fields.ForeignKeyField(
        "quiz.Division", null=True, on_delete=fields.RESTRICT, related_name="pools"
    )
    content: fields.JSONField[Any] = fields.JSONField()  # quiz.pools.Pool as JSON
    digest = fields.CharField(max_length=64)
    frozen_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "pool"


class Exclusion(Model):
    """Somebody who may not take part: organisers, jury, question writers."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="exclusions"
    )
    phone = fields.CharField(max_length=16)
    reason = fields.TextField(default="")

    class Meta:
        table = "exclusion"


class Participant(Model):
    """A person entered in one contest, with the unit and division of that moment."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.RESTRICT, related_name="participants"
    )
    person_id = fields.BigIntField()
    division: fields.ForeignKeyRelation[Division] = fields.ForeignKeyField(
        "quiz.Division", on_delete=fields.RESTRICT, related_name="participants"
    )
    unit_id = fields.BigIntField()
    shown_name = fields.CharField(max_length=120)  # masked, for public lists
    entered_at = fields.DatetimeField()

    class Meta:
        table = "participant"


class Attempt(Model):
    """One go at a round. Answers are {"position": [option positions]} of this attempt's paper."""

    id = fields.UUIDField(primary_key=True)
    participant: fields.ForeignKeyRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", on_delete=fields.RESTRICT, related_name="attempts"
    )
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.RESTRICT, related_name="attempts"
    )
    number = fields.SmallIntField()
    division_id = fields.BigIntField()
    unit_id = fields.BigIntField()
    pool_id = fields.BigIntField()
    seed = fields.CharField(max_length=32)
    drawing_version = fields.SmallIntField()
    rules_version = fields.IntField()
    state = fields.CharField(max_length=10, default="open")  # open, submitted, expired
    opening = fields.IntField(default=0)  # the page that may save; the newest one wins
    answers: fields.JSONField[Any] = fields.JSONField()
    prediction = fields.BigIntField(null=True)
    saved_seq = fields.BigIntField(default=0)
    saved_at = fields.DatetimeField(null=True)
    started_at = fields.DatetimeField()
    deadline_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)  # handed in, or the deadline
    receipt = fields.CharField(max_length=20, null=True)
    is_scored = fields.BooleanField(default=False)

    class Meta:
        table = "attempt"


class Score(Model):
    """What the scoring rule gave to one attempt; points are thousandths of a point."""

    attempt_id = fields.UUIDField(primary_key=True)
    points = fields.IntField()
    correct_count = fields.SmallIntField()
    question_count = fields.SmallIntField()
    duration_ms = fields.IntField()
    scored_at = fields.DatetimeField()

    class Meta:
        table = "score"


class Standing(Model):
    """The attempt that counts for a participant in a round, and the key that ranks it."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.RESTRICT, related_name="standings"
    )
    participant: fields.ForeignKeyRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", on_delete=fields.RESTRICT, related_name="standings"
    )
    division_id = fields.BigIntField()
    unit_id = fields.BigIntField()
    attempt_id = fields.UUIDField()
    attempt_count = fields.IntField()
    points = fields.IntField()
    correct_count = fields.SmallIntField()
    question_count = fields.SmallIntField()
    duration_ms = fields.IntField()
    prediction = fields.BigIntField(null=True)
    closed_at = fields.DatetimeField()
    rank_key = fields.BinaryField()  # quiz.ranking.rank_key: smaller is better
    bucket = fields.BinaryField()  # its first comparator, counted in standing_bucket

    class Meta:
        table = "standing"


class StandingBucket(Model):
    """How many standings share a first comparator: a rank without counting a million rows."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    division_id = fields.BigIntField()
    bucket = fields.BinaryField()
    people_count = fields.IntField()

    class Meta:
        table = "standing_bucket"


class Participation(Model):
    """People and attempts by round, unit, division and hour; people count in their first hour."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    unit_id = fields.BigIntField()
    division_id = fields.BigIntField()
    hour_at = fields.DatetimeField()
    people_count = fields.IntField()
    attempt_count = fields.IntField()

    class Meta:
        table = "participation"


class ScoreTally(Model):
    """How many attempts of a round and division had so many questions right."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    division_id = fields.BigIntField()
    correct_count = fields.SmallIntField()
    attempt_count = fields.IntField()

    class Meta:
        table = "score_tally"


class BoardSnapshot(Model):
    """The public board as it stood when a round's freeze began."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    content: fields.JSONField[Any] = fields.JSONField()
    taken_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "board_snapshot"
