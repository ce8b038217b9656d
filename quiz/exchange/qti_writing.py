"""How is a QTI 3.0 package of choice items written?

After 1EdTech QTI 3.0 (imsglobal.org/spec/qti/v3p0): a manifest and a file for each item. Response
processing is by the standard templates match_correct and map_response, so that other programs
score as we do. Code, topic and the bank's own fields go into the manifest's LOM.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from lxml import etree

from core.text import clean
from quiz.exchange.bank_tags import guess_pins, tags_of
from quiz.exchange.choices import is_single, share_of
from quiz.exchange.item import Item, Written
from quiz.exchange.packages import MANIFEST
from quiz.exchange.pictures import file_name_of
from quiz.exchange.xml_trees import storable

_ITEM = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
_PACKAGE = "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
_LOM = "http://ltsc.ieee.org/xsd/LOM"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_TEMPLATES = "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates"
_DAY_ZERO = (1980, 1, 1, 0, 0, 0)  # the same questions make the same bytes

FEEDBACK_UNWRITTEN = "Lời nhận xét riêng cho từng phương án không ghi vào gói QTI."


def write_qti(items: Sequence[Item], *, title: str) -> Written:
    output = BytesIO()
    manifest = _element(_PACKAGE, "manifest", identifier="HIEU-SO", nsmap={None: _PACKAGE})
    metadata = _add(manifest, "metadata")
    _add(metadata, "schema").text = "QTI Package"
    _add(metadata, "schemaversion").text = "3.0.0"
    _add_lom(metadata, title, "", ())
    _add(manifest, "organizations")
    resources = _add(manifest, "resources")
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, item in enumerate(items, start=1):
            name = f"item-{number:04d}"
            resource = _add(
                resources, "resource", identifier=name, type="imsqti_item_xmlv3p0",
                href=f"items/{name}.xml",
            )  # fmt: skip
            _add_lom(_add(resource, "metadata"), "", item.code, _tags(item))
            _add(resource, "file", href=f"items/{name}.xml")
            picture_name = ""
            if item.image is not None:
                picture_name = file_name_of(item.image, name)
                _add(resource, "file", href=f"images/{picture_name}")
                _store(archive, f"images/{picture_name}", item.image.content)
            _store(archive, f"items/{name}.xml", _bytes(_item(item, name, picture_name)))
        _store(archive, MANIFEST, _bytes(manifest))
    has_feedback = any(option.feedback for item in items for option in item.options)
    losses = (FEEDBACK_UNWRITTEN,) if has_feedback else ()
    return Written(output.getvalue(), "cau-hoi.qti.zip", "application/zip", losses)


def _tags(item: Item) -> list[str]:
    pins = [option.is_pinned for option in item.options]
    # What is fixed in the item itself needs no tag.
    guessed = pins if any(pins) else guess_pins(item.options)
    return tags_of(item, fields=("topic",), guessed_pins=guessed)


def _item(item: Item, name: str, picture_name: str) -> Any:
    single = is_single(item.kind, item.options)
    root = _element(
        _ITEM, "qti-assessment-item", nsmap={None: _ITEM}, identifier=name,
        title=storable(item.code) or name, adaptive="false",
    )  # fmt: skip
    root.set("time-dependent", "false")
    root.set(_LANGUAGE, "vi")
    _declare(root, item, is_single=single)
    body = _add(root, "qti-item-body")
    _add_lines(_add(body, "p"), item.text)
    if item.image is not None:
        _add(_add(body, "p"), "img", src=f"../images/{picture_name}", alt=storable(item.image.alt))
    _add_interaction(body, item, is_single=single)
    template = "match_correct" if single else "map_response"
    _add(root, "qti-response-processing", template=f"{_TEMPLATES}/{template}.xml")
    if item.explanation:
        feedback = _add(root, "qti-modal-feedback", identifier="EXPLANATION")
        feedback.set("outcome-identifier", "FEEDBACK")
        feedback.set("show-hide", "show")
        _add_lines(_add(_add(feedback, "qti-content-body"), "p"), item.explanation)
    return root


def _declare(root: Any, item: Item, *, is_single: bool) -> None:
    response = _add(
        root, "qti-response-declaration", identifier="RESPONSE",
        cardinality="single" if is_single else "multiple",
    )  # fmt: skip
    response.set("base-type", "identifier")
    correct = _add(response, "qti-correct-response")
    for place, option in enumerate(item.options):
        if option.is_correct:
            _add(correct, "qti-value").text = _letter(place)
    if not is_single:
        mapping = _add(response, "qti-mapping")
        for name, value in (("lower-bound", "0"), ("upper-bound", "1"), ("default-value", "0")):
            mapping.set(name, value)
        for place, option in enumerate(item.options):
            entry = _add(mapping, "qti-map-entry")
            entry.set("map-key", _letter(place))
            entry.set(
                "mapped-value", f"{share_of(item.options, option, is_single=False) / 100:.7f}"
            )
    score = _add(root, "qti-outcome-declaration", identifier="SCORE", cardinality="single")
    score.set("base-type", "float")
    _add(_add(score, "qti-default-value"), "qti-value").text = "0"
    if item.explanation:
        shown = _add(root, "qti-outcome-declaration", identifier="FEEDBACK", cardinality="single")
        shown.set("base-type", "identifier")
        _add(_add(shown, "qti-default-value"), "qti-value").text = "EXPLANATION"


def _add_interaction(body: Any, item: Item, *, is_single: bool) -> None:
    pins = [option.is_pinned for option in item.options]
    interaction = _add(body, "qti-choice-interaction")
    interaction.set("response-identifier", "RESPONSE")
    interaction.set("shuffle", "false" if all(pins) else "true")
    interaction.set("max-choices", "1" if is_single else "0")
    for place, option in enumerate(item.options):
        choice = _add(interaction, "qti-simple-choice", identifier=_letter(place))
        if option.is_pinned:
            choice.set("fixed", "true")
        choice.text = storable(option.text)


def _add_lom(metadata: Any, title: str, code: str, tags: Sequence[str]) -> None:
    general = _add(_add(metadata, "lom", _LOM, nsmap={None: _LOM}), "general", _LOM)
    if code:
        identifier = _add(general, "identifier", _LOM)
        _add(identifier, "catalog", _LOM).text = "hieu-so"
        _add(identifier, "entry", _LOM).text = storable(code)
    for name, said in (("title", title), *(("keyword", tag) for tag in tags)):
        if said:
            string = _add(_add(general, name, _LOM), "string", _LOM, language="vi")
            string.text = storable(clean(said))


def _add_lines(parent: Any, text: str) -> None:
    first, *others = storable(text).split("\n")
    parent.text = first
    for line in others:
        _add(parent, "br").tail = line


def _add(parent: Any, name: str, namespace: str = "", **attributes: Any) -> Any:
    nsmap = attributes.pop("nsmap", None)
    namespace = namespace or etree.QName(parent).namespace
    return etree.SubElement(parent, f"{{{namespace}}}{name}", attributes, nsmap=nsmap)


def _element(namespace: str, name: str, *, nsmap: Any, **attributes: str) -> Any:
    return etree.Element(f"{{{namespace}}}{name}", attributes, nsmap=nsmap)


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _bytes(root: Any) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _store(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DAY_ZERO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
