"""Which HTTP answer does a domain "no" become?"""

from __future__ import annotations

from http import HTTPStatus

from core.errors import Refusal

_STATUS = {
    "not_found": 404,
    "forbidden": 403,
    "cross_site": 403,
    "signed_out": 401,
    "second_factor_needed": 401,
    "late": 409,
    "submitted": 409,
    "taken_over": 409,
    "busy": 503,
    "too_large": 413,
    "file_bomb": 413,
    "changed_meanwhile": 409,
    "closed_import": 409,
    "sign_up_closed": 409,
    "code_too_soon": 429,
    "code_limit_number": 429,
    "code_limit_address": 429,
    "code_budget": 429,
    "closing": 409,
    "attempts_used": 409,
    "cooling_down": 409,
    "cannot_start": 409,
    "not_open_yet": 409,
    "round_closed": 409,
    "starts_stopped": 409,
    "entries_stopped": 409,
    "round_final": 409,
    "result_frozen": 409,
    "key_shown": 409,
    "extended_already": 409,
    "excluded": 403,
    "too_young": 403,
    "too_old": 403,
    "not_listed": 403,
    "other_unit": 403,
    "last_admin": 409,
    "own_last_admin": 409,
    "consent_needed": 403,
    "too_many_questions": 429,
    "not_valid": 409,
    "both_entered": 409,
    "rehearsal_running": 409,
    "not_in_force": 410,
    "no_pdf": 503,
    "store_away": 503,
    "round_near": 409,
}


def status_of(refusal: Refusal) -> int:
    """The status of a refusal; one that nobody listed is a form that needs mending (422)."""
    return _STATUS.get(refusal.code, HTTPStatus.UNPROCESSABLE_ENTITY)
