"""How does a page of HTML become a PDF for the archive: PDF/A-3u, tagged for screen readers?

WeasyPrint draws it with our own typefaces and fetches nothing but data: addresses. This is the
plain way; `core.blank` sets many sheets of one page faster, and must look the same.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from PIL import ImageFile
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from core.typefaces import NAMES, typeface

# WeasyPrint lets Pillow make up what is missing of a cut picture, for the whole process; ours are
# whole, and who sends a cut one is to be told.
ImageFile.LOAD_TRUNCATED_IMAGES = False

PRODUCER = "Hieu So"
FAMILIES = tuple(f"{prefix}-{name}" for name in NAMES for prefix in ("face", "slot"))
PICTURE_DPI = 200  # what a print shop needs at least; a seal then takes some 10 kB


class _DataOnly(URLFetcher):  # type: ignore[misc]  # weasyprint ships no types
    """Opens what is inside the page, and nothing else."""

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        if not url.startswith("data:"):
            msg = f"not fetched: {url[:80]}"
            raise ValueError(msg)
        return super().fetch(url, headers)


class PageDrawer:
    """Draws pages with the typefaces as families: `face-serif`, and each once more as `slot-serif`."""

    def __init__(self, families: Collection[str] = FAMILIES) -> None:
        self._fetcher = _DataOnly()
        self._fonts = FontConfiguration()
        faces = "".join(
            f"@font-face {{ font-family: {family}; src: url(data:font/ttf;base64,"
            f"{base64.b64encode(typeface(family[5:]).content).decode()}) }}"
            for family in families
        )
        self._style = CSS(string=faces, font_config=self._fonts, url_fetcher=self._fetcher)

    def layout(self, html: str) -> Any:
        """WeasyPrint's document, whose boxes tests measure."""
        page = HTML(string=html, url_fetcher=self._fetcher)
        return page.render(
            stylesheets=[self._style],
            font_config=self._fonts,
            pdf_variant="pdf/a-3u",
            pdf_tags=True,
            dpi=PICTURE_DPI,
        )

    def draw(self, html: str, title: str, made_on: date, *, identifier: bytes) -> bytes:
        """The page as PDF; the same page gives the same bytes."""
        document = self.layout(html)
        finish = _finisher(title, made_on)
        return bytes(
            document.write_pdf(
                finisher=finish,
                pdf_variant="pdf/a-3u",
                pdf_tags=True,
                pdf_identifier=identifier,
                dpi=PICTURE_DPI,
            )
        )


def _finisher(title: str, made_on: date) -> Callable[[Any, Any], None]:
    def finish(_: Any, pdf: Any) -> None:
        number = int(pdf.catalog["Metadata"].split()[0])
        pdf.objects[number].stream = [metadata(title, made_on)]
        made_at = f"(D:{made_on:%Y%m%d}000000+07'00')"
        pdf.info.update({"Producer": f"({PRODUCER})", "CreationDate": made_at, "ModDate": made_at})

    return finish


def metadata(title: str, made_on: date) -> bytes:
    """The XMP of an archive PDF that is PDF/UA too, which PDF/A wants explained."""
    return _METADATA.format(
        title=escape(title), made_at=f"{made_on.isoformat()}T00:00:00+07:00", producer=PRODUCER
    ).encode()


_METADATA = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="3" pdfaid:conformance="U"/>
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" pdf:Producer="{producer}"/>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="{made_at}" xmp:ModifyDate="{made_at}"/>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title><dc:language><rdf:Bag><rdf:li>vi</rdf:li></rdf:Bag></dc:language></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA Universal Accessibility</pdfaSchema:schema><pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Part of ISO 14289 to which the file conforms</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
