"""What of a QTI package from outside, a zip of XML files and pictures, may be opened?"""

from __future__ import annotations

import posixpath
import zipfile
from io import BytesIO
from urllib.parse import unquote

from core.errors import Refusal
from core.office_archive import DIRECTORY_MARK, FILE_LIMIT_BYTES, OfficeArchive, OfficeKind

MANIFEST = "imsmanifest.xml"
# Each question is a file of its own, and may have a picture.
ENTRY_LIMIT = 12_000
_PACKAGE = OfficeKind(
    program="QTI",
    extension=".zip",
    old="gói kiểu cũ",
    save_as="Hãy xuất lại gói QTI (.zip) từ phần mềm gốc.",
    contents="tệp con",
    excerpt="một phần câu hỏi",
    other_package="một gói câu hỏi QTI",
    parts_limit_bytes=30_000_000,
    element_limit=400_000,
)


class Package(OfficeArchive):
    """Hands out parts that were unpacked under limits; their XML is looked at by `read_tree`."""

    def __init__(self, content: bytes) -> None:
        if len(content) > FILE_LIMIT_BYTES:
            raise Refusal("bad_file", "Gói lớn hơn 10 MB. Hãy chia thành nhiều gói.")
        # Counted in the raw bytes: reading a directory of that many entries is itself the harm.
        if content.count(DIRECTORY_MARK) > ENTRY_LIMIT:
            raise Refusal("file_bomb", "Gói có quá nhiều tệp con, không giống một gói câu hỏi QTI.")
        try:
            super().__init__(content, _PACKAGE)
        except zipfile.BadZipFile as fault:
            raise _broken() from fault
        self.check_entries()
        self.folder, self.has_manifest = self._find_manifest()

    def part(self, name: str) -> bytes | None:
        """The bytes of a part, kept nowhere; None when the package has no such part."""
        if name not in self.NameToInfo:
            return None
        try:
            return self.open(name).read()
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as fault:
            raise _broken() from fault
        finally:
            self.parts.clear()

    def resolved(self, base: str, address: str) -> str:
        """The part that an address in another part means."""
        joined = posixpath.join(posixpath.dirname(base), unquote(address.partition("#")[0]))
        return posixpath.normpath(joined)

    def inspect(self, name: str, xml: bytes) -> int:
        del name
        return xml.count(b"</") + xml.count(b"/>")

    def _find_manifest(self) -> tuple[str, bool]:
        found = [name for name in self.NameToInfo if posixpath.basename(name) == MANIFEST]
        shortest = min(found, key=len, default="")
        return posixpath.dirname(shortest), bool(found)


def kind_of_archive(content: bytes) -> str:
    """Which of qti, docx and xlsx a zip is, by the names in its directory; xlsx when by none."""
    if content.count(DIRECTORY_MARK) > ENTRY_LIMIT:
        return "qti"  # to be refused as one; no other kind may have as many
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError):
        return "xlsx"
    if any(name.startswith("word/") for name in names):
        return "docx"
    if "[Content_Types].xml" in names or "mimetype" in names:
        return "xlsx"
    return "qti" if any(name.lower().endswith(".xml") for name in names) else "xlsx"


def _broken() -> Refusal:
    return Refusal("bad_file", "Gói bị hỏng, không mở được. " + _PACKAGE.save_as)
