"""XMP (ISO 16684-1): the packets in an image file and beside it, parsed without trust.

A packet is RDF in XML. The same thing may be written as an attribute, as an element or as a nested description, so
that fields are asked for by their names, wherever they stand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder  # a document type is refused  # nosec B405
from xml.parsers import expat

from PIL import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

__all__ = ["Properties", "embedded", "fields", "items", "parse", "sidecars", "text", "tree"]

Properties: TypeAlias = "dict[str, Element | str]"
"""Top-level properties by qualified name, ``{namespace}name``: an element, or the text of an attribute."""

MAX_PACKET = 16 * 2**20
_MAX_DEPTH = 64
_MAX_ELEMENTS = 200_000
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_TIFF_XMP = 700


def embedded(image: ImageFile.ImageFile) -> list[bytes]:
    """The packets of an opened image file, a JPEG's extended one put together."""
    if isinstance(image, TiffImageFile):
        packet = image.tag_v2.get(_TIFF_XMP)
    else:
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    packets = [bytes(packet)] if packet else []
    return packets + (_extended(image) if isinstance(image, JpegImageFile) else [])


def _extended(image: JpegImageFile) -> list[bytes]:
    """Packets over 64 KB continue in segments of their own: a digest, the whole length, an offset, a part."""
    parts: dict[bytes, dict[int, bytes]] = {}
    for marker, data in image.applist:
        if marker == "APP1" and data.startswith(_EXTENSION):
            head = len(_EXTENSION)
            offset = int.from_bytes(data[head + 36 : head + 40], "big")
            parts.setdefault(data[head : head + 32], {})[offset] = data[head + 40 :]
    return [b"".join(part for _, part in sorted(found.items())) for found in parts.values()]


def sidecars(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The packets of ``photo.jpg.xmp`` and ``photo.xmp`` beside ``photo.jpg``, those that there are."""
    photo = Path(path)
    for beside in (photo.with_name(photo.name + ".xmp"), photo.with_suffix(".xmp")):
        if beside != photo and beside.is_file():
            with beside.open("rb") as file:
                yield file.read(MAX_PACKET + 1)


def parse(packet: bytes) -> Properties:
    """The top-level properties of a packet.

    Raises:
        ValueError: No XML, more than 16 MiB, nested too deeply, or with a document type, which XMP has no use for and
            through which a few bytes become gigabytes.
    """
    if len(packet) > MAX_PACKET:
        raise ValueError(f"XMP: expected at most {MAX_PACKET:,} bytes, got more")
    properties: Properties = {}
    for description in tree(packet.strip(b"\0 \r\n\t")).iter(f"{_RDF}Description"):
        # Descriptions inside of properties come after the one they belong to, and have other names.
        for name, value in description.attrib.items():
            properties.setdefault(name, value)
        for child in description:
            properties.setdefault(child.tag, child)
    return properties


def tree(packet: bytes) -> Element:
    """XML as elements; raises `ValueError` as `parse` does."""
    builder, parser = TreeBuilder(), expat.ParserCreate(namespace_separator="}")
    depth = elements = 0

    def name(qualified: str) -> str:
        return "{" + qualified if "}" in qualified else qualified

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > _MAX_DEPTH or elements > _MAX_ELEMENTS:
            raise ValueError("XMP: nested too deeply, or too long")
        builder.start(name(tag), {name(key): value for key, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name(tag))

    def refuse(*_: object) -> None:
        raise ValueError("XMP: expected no document type, got one")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(packet, True)
    except expat.ExpatError as error:
        raise ValueError(f"XMP is damaged: {error}") from error
    return builder.close()


def items(value: Element | str | None) -> list[Element]:
    """The members of a bag, sequence or alternative."""
    if value is None or isinstance(value, str):
        return []
    return [item for group in value for item in group if item.tag == f"{_RDF}li"]


def fields(value: Element | str | None) -> Properties:
    """The fields of a structure by their local names, however it is written."""
    found: Properties = {}
    if value is None or isinstance(value, str):
        return found
    for key, attribute in value.attrib.items():
        if not key.startswith(_RDF):
            found.setdefault(_local(key), attribute)
    for child in value:
        if child.tag == f"{_RDF}Description":
            found = fields(child) | found
        else:
            found.setdefault(_local(child.tag), child)
    return found


def text(value: Element | str | None) -> str:
    """The text of a simple value, without space around it; empty where there is none."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    return (value.text or "").strip()


def _local(name: str) -> str:
    return name.rpartition("}")[2]
