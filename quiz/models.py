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
    state = fields.CharField(max_length=12, default="draft")  # draft, in_review, approved, retired
    author_id = fields.BigIntField(null=True)
    assignee_id = fields.BigIntField(null=True)  # who was asked to review
    approver_id = fields.BigIntField(null=True)
    tags: fields.JSONField[Any] = fields.JSONField(null=True)  # ["khó hiểu", …]; empty: none

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
    link_url = fields.TextField(db_default="")  # the real procedure that the explanation leads to
    valid_from = fields.DateField(null=True)
    valid_to = fields.DateField(null=True)
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "question_version"


class QuestionComment(Model):
    """What reviewers and writers tell each other about a question; rows are only added."""

    id = fields.BigIntField(primary_key=True)
    question: fields.ForeignKeyRelation[Question] = fields.ForeignKeyField(
        "quiz.Question", on_delete=fields.CASCADE, related_name="comments"
    )
    version_number = fields.IntField()
    kind = fields.CharField(max_length=10, default="said")  # said, sent, returned, approved
    body = fields.TextField(default="")
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "question_comment"


class QuestionImport(Model):
    """A file that was understood and waits for somebody to look at it: nothing is in the bank yet."""

    id = fields.BigIntField(primary_key=True)
    bank: fields.ForeignKeyRelation[QuestionBank] = fields.ForeignKeyField(
        "quiz.QuestionBank", on_delete=fields.CASCADE, related_name="imports"
    )
    file_name = fields.CharField(max_length=100)
    file_format = fields.CharField(max_length=20)
    items: fields.JSONField[Any] = fields.JSONField()  # quiz.exchange.item.Item as JSON
    losses: fields.JSONField[Any] = fields.JSONField()  # what the bank cannot hold: sentences
    state = fields.CharField(max_length=10, default="open")  # open, done, discarded
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "question_import"


class QuestionStatistic(Model):
    """Item analysis of one question in one round, as quiz.item_analysis computed it."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    question_id = fields.BigIntField()
    question_version_id = fields.BigIntField()
    content: fields.JSONField[Any] = fields.JSONField()
    computed_at = fields.DatetimeField()

    class Meta:
        table = "question_statistic"


class RoundStatistic(Model):
    """Reliability of a round's paper and the spread of its scores, as last computed."""

    round_id = fields.BigIntField(primary_key=True)
    content: fields.JSONField[Any] = fields.JSONField()
    computed_at = fields.DatetimeField()

    class Meta:
        table = "round_statistic"


class TopicStatistic(Model):
    """How well a unit's people answered a topic in a round: the knowledge map."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    unit_id = fields.BigIntField()
    topic = fields.CharField(max_length=60)
    answer_count = fields.IntField()
    correct_count = fields.IntField()
    people_count = fields.IntField()

    class Meta:
        table = "topic_statistic"


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
    oldest_age = fields.SmallIntField(null=True)
    is_by_list = fields.BooleanField(db_default=False)  # only telephone numbers in `eligibility`
    is_one_prize = fields.BooleanField(db_default=True)  # one prize a person, the highest
    # Kill switches; the instant since when, empty: not thrown.
    entry_stopped_at = fields.DatetimeField(null=True)  # nobody new enters
    start_stopped_at = fields.DatetimeField(null=True)  # nobody begins an attempt
    board_hidden_at = fields.DatetimeField(null=True)  # no public board
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
    attachment: fields.ForeignKeyNullableRelation[Attachment] = fields.ForeignKeyField(
        "quiz.Attachment", null=True, on_delete=fields.RESTRICT, related_name="rules"
    )
    published_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "rules_text"


class Attachment(Model):
    """A signed PDF of a contest: its rules, its minutes."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="attachments"
    )
    file_name = fields.CharField(max_length=100)
    media_type = fields.CharField(max_length=60)
    digest = fields.CharField(max_length=64)  # SHA-256 of the bytes
    content = fields.BinaryField()
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "attachment"


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
    prediction_frozen_at = fields.DatetimeField(null=True)  # after re-keying, before appeals
    appeals_until = fields.DatetimeField(null=True)
    finalised_at = fields.DatetimeField(null=True)
    finalised_by_id = fields.BigIntField(null=True)
    scoring_version = fields.IntField(db_default=1)  # one more with every applied correction

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


class Eligibility(Model):
    """Somebody who may take part in a contest by list."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="eligibilities"
    )
    phone = fields.CharField(max_length=16)
    note = fields.TextField(default="")

    class Meta:
        table = "eligibility"


class Prize(Model):
    """So many prizes of one rank: of a round or overall, of a division or all, people or units."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="prizes"
    )
    round: fields.ForeignKeyNullableRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", null=True, on_delete=fields.CASCADE, related_name="prizes"
    )
    division: fields.ForeignKeyNullableRelation[Division] = fields.ForeignKeyField(
        "quiz.Division", null=True, on_delete=fields.CASCADE, related_name="prizes"
    )
    kind = fields.CharField(max_length=12)  # individual, collective
    measure = fields.CharField(max_length=12, default="")  # collective: rate, people, points
    block = fields.CharField(max_length=40, default="")  # collective: units of this block
    name = fields.CharField(max_length=120)  # Giải Nhất
    prize_count = fields.SmallIntField()
    reward = fields.CharField(max_length=255, default="")  # as written: "1.000.000 đồng"
    position = fields.SmallIntField()  # the highest first

    class Meta:
        table = "prize"


class Award(Model):
    """Who gets a prize; name and unit as at the final result."""

    id = fields.BigIntField(primary_key=True)
    prize: fields.ForeignKeyRelation[Prize] = fields.ForeignKeyField(
        "quiz.Prize", on_delete=fields.RESTRICT, related_name="awards"
    )
    participant: fields.ForeignKeyNullableRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", null=True, on_delete=fields.RESTRICT, related_name="awards"
    )
    unit_id = fields.BigIntField(null=True)  # a collective prize's winner
    place = fields.IntField()  # 1 is the first of this prize
    printed_name = fields.CharField(max_length=255)
    unit_name = fields.CharField(max_length=255, default="")
    state = fields.CharField(max_length=12, default="given")  # given, declined, replaced
    note = fields.TextField(default="")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "award"


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
    scoring_version = fields.IntField(db_default=1)  # the round's when this was computed

    class Meta:
        table = "score"


class Unscored(Model):
    """A closed attempt that waits for its score; with a fault: one that cannot be scored.

    The database puts every attempt here that closes (trigger attempt_waits_for_score).
    """

    id = fields.BigIntField(primary_key=True)
    attempt_id = fields.UUIDField()
    round_id = fields.BigIntField()
    closed_at = fields.DatetimeField()
    fault = fields.TextField(null=True)
    fault_at = fields.DatetimeField(null=True)

    class Meta:
        table = "unscored"


class Standing(Model):
    """The attempt that counts for a participant in a round, and the key that ranks it."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", db_constraint=False, on_delete=fields.RESTRICT, related_name="standings"
    )
    participant: fields.ForeignKeyRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", db_constraint=False, on_delete=fields.RESTRICT, related_name="standings"
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
    is_ranked = fields.BooleanField(db_default=True)  # not while disqualified
    draw_order = fields.IntField(null=True)  # a recorded draw's place among equals

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


class Correction(Model):
    """A wrong key mended: what becomes of one question of a round, for everybody who had it."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.RESTRICT, related_name="corrections"
    )
    question_version_id = fields.BigIntField()
    kind = fields.CharField(max_length=12)  # rekey, full_marks, drop
    right_options: fields.JSONField[Any] = fields.JSONField(null=True)  # places of a rekey, from 0
    reason = fields.TextField()
    state = fields.CharField(
        max_length=10, default="proposed"
    )  # proposed, approved, applied, withdrawn
    preview: fields.JSONField[Any] = fields.JSONField(null=True)
    outcome: fields.JSONField[Any] = fields.JSONField(null=True)
    proposed_by_id = fields.BigIntField(null=True)
    approved_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    applied_at = fields.DatetimeField(null=True)

    class Meta:
        table = "correction"


class Disqualification(Model):
    """A participant taken out of the ranking, with the reason; the attempts stay."""

    id = fields.BigIntField(primary_key=True)
    participant: fields.ForeignKeyRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", on_delete=fields.RESTRICT, related_name="disqualifications"
    )
    round: fields.ForeignKeyNullableRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", null=True, on_delete=fields.RESTRICT, related_name="disqualifications"
    )  # empty: the whole contest
    reason = fields.TextField()
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    lift_reason = fields.TextField(default="")
    lifted_by_id = fields.BigIntField(null=True)
    lifted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "disqualification"


class Appeal(Model):
    """A participant disagrees; a case with a number and a decision."""

    id = fields.BigIntField(primary_key=True)
    case_number = fields.CharField(max_length=30, unique=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.RESTRICT, related_name="appeals"
    )
    participant: fields.ForeignKeyRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", on_delete=fields.RESTRICT, related_name="appeals"
    )
    attempt_id = fields.UUIDField(null=True)
    subject = fields.CharField(max_length=12)  # question, score, exclusion, other
    question_position = fields.SmallIntField(null=True)
    question_version_id = fields.BigIntField(null=True)
    body = fields.TextField()
    state = fields.CharField(max_length=10, default="open")  # open, accepted, rejected, withdrawn
    decision = fields.TextField(default="")
    decided_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    decided_at = fields.DatetimeField(null=True)

    class Meta:
        table = "appeal"


class Draw(Model):
    """A draw of lots that anybody can run again: committed, then revealed."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.RESTRICT, related_name="draws"
    )
    division: fields.ForeignKeyRelation[Division] = fields.ForeignKeyField(
        "quiz.Division", on_delete=fields.RESTRICT, related_name="draws"
    )
    purpose = fields.CharField(max_length=10)  # tie, lucky
    title = fields.CharField(max_length=255)
    entrants: fields.JSONField[Any] = fields.JSONField()  # [{"participant_id", "code"}], by code
    entrants_digest = fields.CharField(max_length=64)
    winner_count = fields.IntField()
    secret = fields.CharField(max_length=64)  # shown only once revealed
    commitment = fields.CharField(max_length=64)  # SHA-256 of the secret
    beacon_rule = fields.TextField()  # which public number will be mixed in, said beforehand
    beacon = fields.TextField(default="")  # that number
    outcome: fields.JSONField[Any] = fields.JSONField(null=True)  # codes in drawn order
    committed_by_id = fields.BigIntField(null=True)
    committed_at = fields.DatetimeField(auto_now_add=True)
    revealed_by_id = fields.BigIntField(null=True)
    revealed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "draw"


class ResultSnapshot(Model):
    """The final result of a round or of the whole contest, as it was signed; never changed."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.RESTRICT, related_name="snapshots"
    )
    round: fields.ForeignKeyNullableRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", null=True, on_delete=fields.RESTRICT, related_name="snapshots"
    )
    content: fields.JSONField[Any] = fields.JSONField()
    digest = fields.CharField(max_length=64)  # SHA-256 of the content's canonical JSON
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    published_at = fields.DatetimeField(null=True)

    class Meta:
        table = "result_snapshot"


class Extension(Model):
    """More time for a person, a unit or everybody in a round, with the reason; only added."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[Round] = fields.ForeignKeyField(
        "quiz.Round", on_delete=fields.CASCADE, related_name="extensions"
    )
    unit_id = fields.BigIntField(null=True)  # the unit and all beneath it
    participant: fields.ForeignKeyNullableRelation[Participant] = fields.ForeignKeyField(
        "quiz.Participant", null=True, on_delete=fields.RESTRICT, related_name="extensions"
    )
    seconds = fields.IntField()
    reason = fields.TextField()
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "extension"


class Notice(Model):
    """A line shown to everybody who is inside a contest, until it ends."""

    id = fields.BigIntField(primary_key=True)
    contest: fields.ForeignKeyRelation[Contest] = fields.ForeignKeyField(
        "quiz.Contest", on_delete=fields.CASCADE, related_name="notices"
    )
    body = fields.TextField()
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    ends_at = fields.DatetimeField()

    class Meta:
        table = "notice"


class RoundMinute(Model):
    """What happened in a round in one minute, added up by the web processes every few seconds."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    minute_at = fields.DatetimeField()
    start_count = fields.IntField()
    save_count = fields.IntField()
    submit_count = fields.IntField()
    refusal_count = fields.IntField()

    class Meta:
        table = "round_minute"


class Suspicion(Model):
    """A pattern that somebody should look at, with its evidence; it never bans anybody."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    participant_id = fields.BigIntField()
    pattern = fields.CharField(max_length=30)
    evidence: fields.JSONField[Any] = fields.JSONField()
    state = fields.CharField(max_length=10, default="new")  # new, dismissed, pursued
    note = fields.TextField(default="")
    reviewed_by_id = fields.BigIntField(null=True)
    reviewed_at = fields.DatetimeField(null=True)
    found_at = fields.DatetimeField()

    class Meta:
        table = "suspicion"


class PlatformSwitch(Model):
    """A switch over the whole platform, as it was last thrown or released."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=20)  # lite, sign_up, starts
    is_on = fields.BooleanField()
    reason = fields.TextField()
    switched_at = fields.DatetimeField()
    switched_by_id = fields.BigIntField(null=True)

    class Meta:
        table = "platform_switch"


class ServiceSpan(Model):
    """A stretch of time in which some process could write; a gap between two is an outage."""

    id = fields.BigIntField(primary_key=True)
    began_at = fields.DatetimeField()
    seen_at = fields.DatetimeField()

    class Meta:
        table = "service_span"


class Rehearsal(Model):
    """A crowd that played against a shadow of a round, and what came of it."""

    id = fields.BigIntField(primary_key=True)
    round_id = fields.BigIntField()
    state = fields.CharField(
        max_length=12, default="waiting"
    )  # waiting, preparing, running, done, failed, cancelled
    expected_count = fields.IntField()  # people, as the organiser thinks
    asked_by_id = fields.BigIntField(null=True)
    asked_at = fields.DatetimeField()
    began_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    lease_until = fields.DatetimeField(null=True)  # of the worker that runs it
    stop_asked_at = fields.DatetimeField(null=True)
    shadow_round_id = fields.BigIntField(null=True)  # gone when it has ended
    progress: fields.JSONField[Any] = fields.JSONField(null=True)
    sheet: fields.JSONField[Any] = fields.JSONField(null=True)
    reason = fields.TextField(db_default="")  # why it failed or was stopped

    class Meta:
        table = "rehearsal"
