"""How are files of any size taken in from a form, without ever being held as a whole?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from core.errors import Refusal
from core.office_archive import MEGABYTE
from web.forms import LARGEST_FORM_BYTES

MOST_PARTS = 20_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one file of the form; `is_first` says that another file begins."""

    file_name: str
    content: bytes
    is_first: bool


async def read_files(
    request: Request, file_field: str, *, largest_bytes: int
) -> AsyncIterator[Piece]:
    """The files of one field, piece by piece as they come in; what else is in the form is ignored.

    Refuses "bad_form" for what is no form, and "too_large" in the middle of what is.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise _no_form()
    reading = _Reading(file_field)
    try:
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": reading.begin,
                "on_part_data": reading.add,
                "on_header_field": reading.add_header_name,
                "on_header_value": reading.add_header_value,
                "on_header_end": reading.end_header,
                "on_headers_finished": reading.end_headers,
                "on_end": reading.end,
            },
        )
        left_bytes = largest_bytes + LARGEST_FORM_BYTES
        async for chunk in request.stream():
            left_bytes -= len(chunk)
            if left_bytes < 0:
                sentence = f"Mỗi lần gửi tối đa {largest_bytes // MEGABYTE} MB. Hãy chia ra."
                raise Refusal("too_large", sentence, fields={file_field: sentence})
            parser.write(chunk)
            for piece in reading.taken():
                yield piece
        parser.finalize()
    except FormParserError as fault:
        raise _no_form() from fault
    if not reading.is_whole:
        raise _no_form()


@dataclass(slots=True)
class _Reading:
    """What the parser tells, in the order in which it comes."""

    file_field: str
    is_whole: bool = False
    _file_name: str | None = None  # None: a part that is no file of ours
    _disposition: bytes = b""
    _header_name: bytearray = field(default_factory=bytearray)
    _header_value: bytearray = field(default_factory=bytearray)
    _part_count: int = 0
    _pieces: list[Piece] = field(default_factory=list)

    def taken(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def begin(self) -> None:
        self._part_count += 1
        if self._part_count > MOST_PARTS:
            raise _no_form()
        self._file_name, self._disposition = None, b""

    def add(self, data: bytes, start: int, end: int) -> None:
        if self._file_name is not None:
            self._pieces.append(Piece(self._file_name, data[start:end], is_first=False))

    def add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"filename", b"").decode("utf-8", "replace").replace("\0", "")
        # A browser sends an empty name where nobody chose a file.
        if name and options.get(b"name", b"").decode("utf-8", "replace") == self.file_field:
            self._file_name = name
            self._pieces.append(Piece(name, b"", is_first=True))

    def end(self) -> None:
        self.is_whole = True


def _no_form() -> Refusal:
    return Refusal("bad_form", "Không đọc được nội dung gửi lên. Hãy thử lại.")
