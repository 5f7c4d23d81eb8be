"""Names that other programs wrote into photos: face regions and people keywords in XMP.

Read are the regions of the Metadata Working Group (Guidelines for Handling Image Metadata 2.0; Lightroom, digiKam,
Picasa), Microsoft's people tags (Windows Photo Gallery, digiKam) and ACDSee's, and names without a place:
``PersonInImage`` (IPTC Extension) and hierarchical keywords under "People" (Lightroom, digiKam, Microsoft, ACDSee).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from xml.etree.ElementTree import Element  # nothing is parsed here  # nosec B405

from PIL.TiffImagePlugin import TiffImageFile

from mien.errors import UnreadableImage
from mien.media.formats import opened
from mien.media.image import MAX_BYTES, MAX_PIXELS, recorded_orientation
from mien.media.source import Source, load, source_name
from mien.media.xmp import Properties, embedded, fields, items, parse, sidecars, text, tree

__all__ = ["Region", "regions"]

Box: TypeAlias = tuple[float, float, float, float]
Kind: TypeAlias = Literal["mwg", "microsoft", "acdsee", "keyword"]

_MWG = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_MICROSOFT = "{http://ns.microsoft.com/photo/1.2/}"
_ACDSEE = "{http://ns.acdsee.com/regions/}"
_KEYWORDS = {
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": "|",
    "{http://www.digikam.org/ns/1.0/}TagsList": "/",
    "{http://ns.microsoft.com/photo/1.0/}LastKeywordXMP": "/",
}
_PERSON_IN_IMAGE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}PersonInImage"
_ACDSEE_CATEGORIES = "{http://ns.acdsee.com/iptc/1.0/}categories"
_PEOPLE = {"people", "person", "persons", "faces"}
# Programs write a region in several forms, rounded differently; one name has one face in a photo.
_SAME = 0.3

_TAGS = {"width": 256, "height": 257}


@dataclass(frozen=True, slots=True)
class Region:
    """A name that another program gave to a face of a photo.

    Attributes:
        name: As written, without space around it.
        box: Left, top, right, bottom in pixels of the upright image, as `mien.media.read` gives it; None where only
            the name is known.
        kind: How it was written: ``"mwg"``, ``"microsoft"``, ``"acdsee"`` or ``"keyword"``.
    """

    name: str
    box: Box | None
    kind: Kind


class _Frame(NamedTuple):
    """The image as stored, and the orientation it is shown in."""

    width: int
    height: int
    orientation: int


def regions(source: Source, *, max_bytes: int = MAX_BYTES) -> tuple[Region, ...]:
    """Names of people that other programs wrote into a photo, or into ``photo.xmp`` or ``photo.jpg.xmp`` beside it.

    Regions count from the image as stored, before the EXIF orientation is applied, as the Metadata Working Group has
    it and Lightroom and digiKam do; where the dimensions written beside them say that they were counted from the
    image as shown, that holds. A face written in several forms is given once. Nothing is decoded but the file's head.

    Args:
        source: A path, the bytes of a file, or a binary file object; JPEG, PNG, TIFF, WebP, AVIF, or HEIC.
        max_bytes: Largest file that is read.

    Returns:
        Named face regions as they are written, then names without a place that no region bears.

    Raises:
        UnreadableImage: No image, or its XMP or a sidecar is damaged or hostile.
        ImageTooLarge: Over a limit.
    """
    name = source_name(source)
    with opened(name, load(source, max_bytes), MAX_PIXELS) as image:
        orientation = image.info.get("original_orientation") or recorded_orientation(image) or 1
        width, height = image.size
        if isinstance(image, TiffImageFile):  # Pillow gives its size as shown
            width, height = int(image.tag_v2[_TAGS["width"]]), int(image.tag_v2[_TAGS["height"]])
        elif "original_orientation" in image.info and orientation >= 5:  # so does pi-heif
            width, height = height, width
        frame = _Frame(width, height, orientation if 1 <= orientation <= 8 else 1)
        packets = embedded(image)
    try:
        if isinstance(source, str | os.PathLike):
            packets += sidecars(source)
        found = [region for packet in packets for region in _regions(parse(packet), frame)]
    except (ValueError, OSError) as error:
        raise UnreadableImage(f"{name}: its metadata cannot be read: {error}", source=name) from error
    return _once(found)


def _regions(properties: Properties, frame: _Frame) -> Iterator[Region]:
    mwg = fields(properties.get(f"{_MWG}Regions"))
    yield from _centred(mwg, "mwg", ("Area",), frame)
    for item in items(fields(properties.get(f"{_MICROSOFT}RegionInfo")).get("Regions")):
        person = fields(item)
        name, box = text(person.get("PersonDisplayName")), _corners(text(person.get("Rectangle")))
        if name and box:
            yield Region(name, _upright(box, frame, frame.orientation), "microsoft")
    acdsee = fields(properties.get(f"{_ACDSEE}Regions"))
    yield from _centred(acdsee, "acdsee", ("DLYArea", "ALYArea"), frame)
    for name in _keywords(properties):
        yield Region(name, None, "keyword")


def _centred(info: Properties, kind: Kind, areas: tuple[str, ...], frame: _Frame) -> Iterator[Region]:
    """Regions given by their centre, as parts of the image's width and height."""
    applied = fields(info.get("AppliedToDimensions"))
    applied_width, applied_height = _number(applied.get("w")), _number(applied.get("h"))
    shown = _counted_from_shown(applied_width, applied_height, frame)
    for item in items(info.get("RegionList")):
        region = fields(item)
        name, area = text(region.get("Name")), next((fields(region[key]) for key in areas if key in region), {})
        if not name or text(region.get("Type")).casefold() != "face":
            continue
        x, y, w, h = (_number(area.get(key)) for key in "xywh")
        if text(area.get("unit")) == "pixel" and applied_width > 0 and applied_height > 0:
            x, y, w, h = x / applied_width, y / applied_height, w / applied_width, h / applied_height
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        if _sane(box):
            yield Region(name, _upright(box, frame, 1 if shown else frame.orientation), kind)


def _counted_from_shown(width: float, height: float, frame: _Frame) -> bool:
    """Whether the dimensions written with the regions are those of the image as shown, not as stored."""
    if frame.orientation < 5 or width <= 0 or height <= 0:
        return False
    # Compared by their ratio: the photo may have been scaled since.
    return abs(width * frame.width - height * frame.height) < abs(width * frame.height - height * frame.width)


def _upright(box: Box, frame: _Frame, orientation: int) -> Box:
    """A box in parts of an image that is to be turned by ``orientation``, in pixels of the upright image."""
    left, top, right, bottom = box
    if orientation in {5, 6, 7, 8}:  # what were columns are rows
        left, top, right, bottom = top, left, bottom, right
    if orientation in {2, 3, 6, 7}:
        left, right = 1 - right, 1 - left
    if orientation in {3, 4, 7, 8}:
        top, bottom = 1 - bottom, 1 - top
    width, height = (frame.height, frame.width) if frame.orientation >= 5 else (frame.width, frame.height)
    return left * width, top * height, right * width, bottom * height


def _corners(rectangle: str) -> Box | None:
    """Microsoft's ``left, top, width, height``."""
    numbers = [_number(part) for part in rectangle.split(",")]
    if len(numbers) != 4:
        return None
    left, top, width, height = numbers
    box = (left, top, left + width, top + height)
    return box if _sane(box) else None


def _sane(box: Box) -> bool:
    left, top, right, bottom = box
    return -1 <= left < right <= 2 and -1 <= top < bottom <= 2


def _number(value: Element | str | None) -> float:
    try:
        return float(text(value))
    except ValueError:
        return float("nan")


def _keywords(properties: Properties) -> Iterator[str]:
    yield from (text(item) for item in items(properties.get(_PERSON_IN_IMAGE)))
    for key, separator in _KEYWORDS.items():
        for item in items(properties.get(key)):
            path = [part.strip() for part in text(item).split(separator)]
            if len(path) > 1 and path[0].casefold() in _PEOPLE:
                yield path[-1]
    categories = text(properties.get(_ACDSEE_CATEGORIES))
    if categories:
        yield from _assigned(tree(categories.encode()))


def _assigned(categories: Element) -> Iterator[str]:
    """ACDSee's categories, a tree in XML inside of XML: the assigned leaves under People."""
    for group in categories:
        if text(group).casefold() in _PEOPLE:
            leaves = (node for node in group.iter("Category") if node is not group and not len(node))
            yield from (text(leaf) for leaf in leaves if leaf.get("Assigned") == "1")


def _once(found: Iterable[Region]) -> tuple[Region, ...]:
    placed: list[Region] = []
    for region in (region for region in found if region.name and region.box):
        if not any(_same(region, other) for other in placed):
            placed.append(region)
    names = {region.name.casefold() for region in placed}
    unplaced = {region.name.casefold(): region for region in reversed([*found]) if region.name and not region.box}
    return (*placed, *(region for name, region in reversed(unplaced.items()) if name not in names))


def _same(region: Region, other: Region) -> bool:
    assert region.box is not None
    assert other.box is not None
    return region.name.casefold() == other.name.casefold() and _overlap(region.box, other.box) > _SAME


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)
