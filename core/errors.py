"""How does the domain say no in a way that a person can understand?"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A domain "no": a stable code for programs and a Vietnamese sentence for people.

    `fields` names the form fields that the sentence is about, each with its own sentence,
    so that a page can put it beside what was typed.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        fields: Mapping[str, str] | None = None,
        retry_after_seconds: int | None = None,
        **detail: object,
    ) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.fields = dict(fields or {})
        self.retry_after_seconds = retry_after_seconds
        self.detail = detail
