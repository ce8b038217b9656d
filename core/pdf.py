"""How does HTML become a PDF without harm: in a process of its own, with limits, fetching nothing?

Run as a program it reads HTML and writes the PDF; `html_to_pdf` starts it so. What a page makes
WeasyPrint do (memory, seconds, a crash) therefore never happens to whoever asked.
"""

from __future__ import annotations

import asyncio
import resource
import sys

from core.errors import Refusal

LIMIT_SECONDS = 60
LIMIT_BYTES = 2_000_000_000  # of address space; a minutes paper of 30 pages takes some 300 MB
# One font on every machine: a system's stand-in for Times New Roman may lack half of the letters
# (Debian's Liberation Serif does) and mix two designs within a word. The DOCX names Times itself.
SERIF = "Noto Serif"


async def html_to_pdf(html: str) -> bytes:
    """Draw a page; only data: addresses and the platform's own fonts are ever opened.

    Refuses "no_pdf" when it takes more than a minute, too much memory, or a library is missing.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "core.pdf",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        content, _ = await asyncio.wait_for(process.communicate(html.encode()), LIMIT_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        content = b""
    if process.returncode or not content.startswith(b"%PDF"):
        raise Refusal(
            "no_pdf", "Chưa tạo được tệp PDF. Hãy tải bản Word, hoặc báo người quản trị hệ thống."
        )
    return content


def draw(html: str) -> bytes:
    """Do `html_to_pdf` in this process."""
    # Importing takes two seconds, and only this program needs it.
    import fontpkg  # noqa: PLC0415 — see above
    from weasyprint import CSS, HTML  # noqa: PLC0415 — see above
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 — see above
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415 — see above

    fonts = {font.path.as_uri(): font for font in fontpkg.family("noto-serif").files}

    class OwnFilesOnly(URLFetcher):  # type: ignore[misc]  # weasyprint ships no types
        """Opens what is inside the page, and the fonts named below."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            if not (url.startswith("data:") or url in fonts):
                msg = f"not fetched: {url[:80]}"
                raise ValueError(msg)
            return super().fetch(url, headers)

    fetcher = OwnFilesOnly()
    configuration = FontConfiguration()
    faces = "".join(
        f"@font-face {{ font-family: '{SERIF}'; font-style: {font.style}; "
        f"font-weight: {font.wght_min} {font.wght_max}; src: url('{address}') }}"
        for address, font in fonts.items()
    )
    style = CSS(string=faces, font_config=configuration, url_fetcher=fetcher)
    page = HTML(string=html, url_fetcher=fetcher)
    return bytes(page.write_pdf(stylesheets=[style], font_config=configuration, pdf_tags=True))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_SECONDS, LIMIT_SECONDS))
    sys.stdout.buffer.write(draw(sys.stdin.buffer.read().decode()))
