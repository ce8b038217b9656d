"""How does the platform write its log: one JSON line an event, personal data masked?"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from core.notes import note_fault

logger: structlog.stdlib.BoundLogger = structlog.get_logger()

# Which request an event belongs to; plain, because binding structlog's own costs every request.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

_PHONE = re.compile(r"(?<!\d)(\+84|0)(\d{2})\d{4,5}(\d{3})(?!\d)")
_SECRET_FIELDS = frozenset({"ma", "mat_khau", "password", "code", "cookie", "secret", "token"})


def configure(level: str) -> None:
    """Send structlog and the standard library's log through the same masking JSON writer."""
    shared: list[Any] = [
        _add_request_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _note_fault,
        structlog.processors.format_exc_info,
        mask,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(ensure_ascii=False),
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # arq tells of every empty sweep; what matters is in our own events
    logging.getLogger("arq").setLevel(logging.WARNING)


def _add_request_id(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if request_id := REQUEST_ID.get():
        event.setdefault("request_id", request_id)
    return event


def _note_fault(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Let the operations page show what is logged as an error; it gets no message (core.notes)."""
    if event.get("level") in {"error", "critical"}:
        record = event.get("_record")  # of the standard library, whose messages may hold anything
        note_fault(
            record.name if record is not None else str(event.get("event", "")),
            _error_of(event.get("exc_info")),
            route=str(event.get("route", "")),
            request_id=str(event.get("request_id", "")),
        )
    return event


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    found = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info else None
    return found if isinstance(found, BaseException) else None


def mask(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide telephone numbers anywhere in an event, and whole fields that hold secrets."""
    for name, value in event.items():
        if name in _SECRET_FIELDS:
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = _PHONE.sub(r"\1\2***\3", value)
    return event
