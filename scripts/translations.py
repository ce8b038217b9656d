"""Does every sentence of the pages have its English, and which ones still wait for it?

Templates and code are written in Vietnamese; locale/en holds the English. Without an argument the
catalogue is brought up to date (new sentences come in empty, vanished ones go); `--check` only
compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
ENGLISH = ROOT / "locale" / "en" / "LC_MESSAGES" / "hieuso.po"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def wanted() -> Catalog:
    catalog = Catalog(project="Hiểu Số", charset="utf-8")
    found = extract_from_dir(str(ROOT / "web"), METHODS)
    for path, line, message, comments, context in found:
        catalog.add(message, None, [(f"web/{path}", line)], (), comments, context=context)
    return catalog


def present() -> Catalog:
    if not ENGLISH.is_file():
        return Catalog(locale="en", project="Hiểu Số", charset="utf-8")
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en", charset="utf-8")


def is_translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def check() -> int:
    translated = present()
    complaints = [
        f"{path}:{line}: no English for {message.id!r}; run scripts/translations.py"
        for message in wanted()
        if message.id and not is_translated(translated.get(message.id, message.context))
        for path, line in message.locations[:1]
    ]
    complaints += [f"hieuso.po: {error}" for m in translated for error in m.check(translated)]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return bool(complaints)


def update() -> int:
    catalog, template = present(), wanted()
    template.creation_date = catalog.creation_date  # a run without news leaves the file as it is
    # A guess at the English of a changed sentence would be shown to people before anyone read it.
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as file:
        # Without line numbers a changed template changes no other line of the catalogue.
        write_po(file, catalog, no_location=True, omit_header=False, sort_output=True, width=0)
    return check()


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv[1:] else update())
