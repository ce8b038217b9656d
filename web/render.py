"""How does a page become bytes: template, language, part or whole, cached or fresh?"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from isal import igzip
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core import text
from core.settings import settings
from web.assets import assets

TEMPLATES = Path(__file__).parent / "templates"
LOCALE = Path(__file__).parent.parent / "locale"
LANGUAGES = ("vi", "en")
LANGUAGE_COOKIE = "ngon_ngu"
SMALLEST_COMPRESSED_BYTES = 600
MOST_CACHED_PAGES = 2000
# A page of PublicPages holds nothing of whoever asks for it: a shared cache (deploy/nginx) may give
# it to the next ones for this long, a browser asks every time whether it is still the newest.
FOR_EVERYBODY = "public, max-age=0, s-maxage=2"
RESTING_SECONDS = 60.0  # a page that rests is at most so much older than otherwise


class _WordsAtCompileTime(Extension):
    """Puts the translation of every constant sentence into the template while it is compiled.

    Half of the cost of a page was looking up sentences that never change.
    """

    _SENTENCE = re.compile(r'\{\{ _\("([^"\\{}%]*)"\) \}\}')

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        del name, filename
        words: Any = self.environment.globals["_words"]
        return self._SENTENCE.sub(lambda found: str(words.gettext(found[1])), source)


class _Compiled(FileSystemBytecodeCache):
    """Templates as an earlier process of this machine compiled them.

    The page of a contest's desk alone takes a fifth of a second to compile, all of them one and a
    half: after a restart that would be the wait of whoever comes first. Jinja looks whether the
    source has changed; what else goes into the code stands in the folder's name.
    """

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):  # a full disk must not keep a page from being shown
            super().dump_bytecode(bucket)


def _compiled(language: str) -> _Compiled | None:
    made_of = hashlib.sha256(Path(__file__).read_bytes())
    if (catalogue := _catalogue(language)).is_file():
        made_of.update(catalogue.read_bytes())
    folder = settings().local_path / "templates" / f"{language}-{made_of.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # nothing may be written here: compiled anew then
        return None
    return _Compiled(str(folder))


@cache
def environment(language: str) -> Environment:
    """One template environment a language; Vietnamese is what the templates are written in."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", _WordsAtCompileTime],
        auto_reload=False,
        bytecode_cache=_compiled(language),
    )
    words = translations(language)
    made.globals["_words"] = words
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # added by the i18n extension
    made.filters |= {
        "number": text.number,
        "percent": text.percent,
        "datetime": text.datetime_shown,
        "date": text.date_shown,
        "time": text.time_shown,
        "deadline": text.deadline_shown,
        "duration": text.duration_shown,
        "clock": text.clock_shown,
        "phone_masked": text.phone_masked,
    }
    made.globals |= {"asset": assets().address, "lang": language, "site": _site()}
    return made


def _catalogue(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "hieuso.po"


def translations(language: str) -> NullTranslations:
    """The catalogue of a language, read from its .po file, so that nothing has to be compiled."""
    path = _catalogue(language)
    if not path.is_file():
        return NullTranslations()  # Vietnamese: the templates' own words
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled, domain="hieuso")


def _site() -> dict[str, str | None]:
    chosen = settings()
    return {
        "name": "Hiểu Số",
        "province": chosen.site_province,
        "organiser": chosen.site_organiser,
        "hotline": chosen.site_hotline or None,
    }


def language_of(request: Request) -> str:
    found = request.cookies.get(LANGUAGE_COOKIE, "vi")
    return found if found in LANGUAGES else "vi"


def to_html(language: str, template: str, context: Mapping[str, Any]) -> str:
    return environment(language).get_template(template).render(context)


def is_part(request: Request) -> bool:
    """Whether htmx asks for a part; a history restore gets the whole page."""
    return (
        request.headers.get("hx-request") == "true"
        and request.headers.get("hx-history-restore-request") != "true"
    )


def render(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    *,
    part: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A private page; `part` is the template that htmx gets instead of the whole."""
    chosen = part if part and is_part(request) else template
    html = to_html(language_of(request), chosen, context)
    response = private_page(request, html, status=status, headers=headers)
    if part:
        response.headers.add_vary_header("HX-Request")
    return response


def private_page(
    request: Request,
    html: str | bytes,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    response = HTMLResponse(html, status, headers={"Cache-Control": "no-store", **(headers or {})})
    return compressed(request, response)


def compressed(request: Request, response: Response) -> Response:
    body = bytes(response.body)
    if len(body) >= SMALLEST_COMPRESSED_BYTES and accepts_gzip(request):
        # A page for one person is packed for one person: with isal a paper takes 0.11 ms, with
        # zlib's own level 1 0.47 and level 5 0.89, for 7.9, 7.8 and 6.6 kB.
        response.body = igzip.compress(body, 1, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
        response.headers.add_vary_header("Accept-Encoding")
    return response


def accepts_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


@dataclass(slots=True)
class _Kept:
    body: bytes
    packed: bytes
    etag: str
    status: int
    stale_at: float


class PublicPages:
    """Pages that a crowd sees: rendered once for everybody, served from memory with an ETag.

    A page that has gone stale is rendered again by one request while the others still get the old
    one, so a crowd never waits for a render.
    """

    def __init__(
        self,
        *,
        is_resting: Callable[[], bool] = lambda: False,
        turned_away: Callable[[Request], Response] | None = None,
        keep_copy: Callable[[Request, Response], None] = lambda _request, _response: None,
    ) -> None:
        self._is_resting = is_resting
        self._turned_away = turned_away
        self._keep_copy = keep_copy
        self._kept: dict[tuple[str, ...], _Kept] = {}
        self._rendering: dict[tuple[str, ...], asyncio.Task[_Kept]] = {}

    async def answer(
        self,
        request: Request,
        make: Callable[[str, bool], Awaitable[tuple[str, Mapping[str, Any]]]],
        *,
        key: tuple[str, ...],
        seconds: float,
        may_rest: bool = False,
    ) -> Response:
        """`make(language, is_part)` returns the template and its context when the page is due.

        A page that `may_rest` is, while the platform is crowded, rendered anew only now and then,
        and not at all where no copy of it is kept.
        """
        language, part = language_of(request), is_part(request)
        full_key = (*key, language, "part" if part else "page")
        kept = self._kept.get(full_key)
        rests_for = 0.0
        if may_rest and self._is_resting() and self._turned_away is not None:
            if kept is None:
                return self._turned_away(request)
            rests_for = RESTING_SECONDS
        if kept is None or time.monotonic() >= kept.stale_at + rests_for:
            task = self._rendering.get(full_key)
            if task is None:
                task = asyncio.create_task(self._render(full_key, make, language, part, seconds))
                self._rendering[full_key] = task
                task.add_done_callback(lambda _: self._rendering.pop(full_key, None))
                kept = await asyncio.shield(task)
            elif kept is None:
                kept = await asyncio.shield(task)
        response = _respond(request, kept)
        self._keep_copy(request, response)
        return response

    def forget(self) -> None:
        self._kept.clear()

    async def _render(
        self,
        key: tuple[str, ...],
        make: Callable[[str, bool], Awaitable[tuple[str, Mapping[str, Any]]]],
        language: str,
        part: bool,
        seconds: float,
    ) -> _Kept:
        template, context = await make(language, part)
        body = to_html(language, template, context).encode()
        digest = hashlib.sha256(body).hexdigest()[:20]
        kept = _Kept(
            body, gzip.compress(body, 6, mtime=0), f'"{digest}"', 200, time.monotonic() + seconds
        )
        if len(self._kept) >= MOST_CACHED_PAGES:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = kept
        return kept


def _respond(request: Request, kept: _Kept) -> Response:
    headers = {
        "ETag": kept.etag,
        "Cache-Control": FOR_EVERYBODY,
        "Vary": "Accept-Encoding, HX-Request, Cookie",
    }
    if request.headers.get("if-none-match") == kept.etag:
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return Response(kept.packed, media_type="text/html; charset=utf-8", headers=headers)
    return Response(kept.body, media_type="text/html; charset=utf-8", headers=headers)
