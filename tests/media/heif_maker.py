"""HEIC files made from scratch (ISO/IEC 23008-12): x265's pictures, by PyAV, in boxes written here."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np

ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind, *parts, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def hevc(array, depth=8):
    """One picture as (hvcC box, length-prefixed slices)."""
    grey = array.ndim == 2
    pixels = "gray" if grey else {8: "yuv444p", 10: "yuv444p10le"}[depth]
    encoder = av.CodecContext.create("libx265", "w")
    encoder.height, encoder.width = array.shape[:2]
    encoder.pix_fmt, encoder.time_base = pixels, Fraction(1, 25)
    encoder.options = {"crf": "8", "x265-params": "log-level=none:pools=1:info=0:repeat-headers=1:range=full"}
    frame = av.VideoFrame.from_ndarray(array, "gray" if grey else "rgb24")
    if not grey:
        frame = frame.reformat(format=pixels, dst_colorspace="ITU601", dst_color_range="JPEG")
    stream = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    units = [unit.rstrip(b"\0") for unit in stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]]
    kinds = [unit[0] >> 1 & 63 for unit in units]
    profile = next(unit for unit, kind in zip(units, kinds, strict=True) if kind == 33)[3:15]
    arrays = [(kind, unit) for unit, kind in zip(units, kinds, strict=True) if kind in (32, 33, 34)]
    head = b"\x01" + profile + b"\xf0\0\xfc" + bytes([0xFC | (0 if grey else 3), 0xF8 | depth - 8, 0xF8 | depth - 8])
    sets = b"".join(bytes([0x80 | kind]) + struct.pack(">HH", 1, len(unit)) + unit for kind, unit in arrays)
    slices = [struct.pack(">I", len(unit)) + unit for unit, kind in zip(units, kinds, strict=True) if kind < 32]
    return box(b"hvcC", head, b"\0\0\x0f", bytes([len(arrays)]), sets), b"".join(slices)


def make(*images, primary=0, turns=0, depth=8, exif=None, xmp=None, icc=None, alpha=None, claimed=None, brand=b"heic"):
    """A HEIC file.

    Args:
        images: (h, w, 3) uint8 RGB each, one item a picture.
        primary: Which of them is the primary one.
        turns: Quarter turns anticlockwise that the container asks readers for (``irot``), of all pictures.
        depth: Bits a channel, 8 or 10.
        exif: TIFF-headed EXIF of the primary picture.
        xmp: XMP packet of the primary picture.
        icc: ICC profile of all pictures.
        alpha: (h, w) uint8 transparency of the primary picture.
        claimed: (width, height) the container says the pictures have, instead of the truth.
        brand: Major brand.
    """
    items, references = [], []  # items: (type, name, properties, data)
    for image in images:
        config, data = hevc(image, depth)
        width, height = claimed or (image.shape[1], image.shape[0])
        colour = box(b"colr", b"prof", icc) if icc else box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80))
        properties = [config, full(b"ispe", struct.pack(">II", width, height)), colour]
        properties += [full(b"pixi", bytes([3, depth, depth, depth]))]
        properties += [box(b"irot", bytes([turns]))] if turns else []
        items.append((b"hvc1", b"\0", properties, data))
    if alpha is not None:
        config, data = hevc(alpha)
        size = full(b"ispe", struct.pack(">II", alpha.shape[1], alpha.shape[0]))
        items.append((b"hvc1", b"\0", [config, size, full(b"pixi", b"\1\x08"), full(b"auxC", ALPHA)], data))
        references.append((b"auxl", len(items)))
    if exif is not None:
        items.append((b"Exif", b"\0", [], struct.pack(">I", 6) + b"Exif\0\0" + exif))
        references.append((b"cdsc", len(items)))
    if xmp is not None:
        items.append((b"mime", b"\0application/rdf+xml\0", [], xmp))
        references.append((b"cdsc", len(items)))
    file = box(b"ftyp", brand, b"\0\0\0\0", b"mif1heic")
    meta = _meta(items, references, primary + 1, 0)
    return (
        file + _meta(items, references, primary + 1, len(file) + len(meta) + 8) + box(b"mdat", *[i[3] for i in items])
    )


def _meta(items, references, primary, start):
    infos = [full(b"infe", struct.pack(">HH", n, 0), kind, name, version=2) for n, (kind, name, *_) in _numbered(items)]
    places, properties, owned = [], [], []
    for number, (_, _, own, data) in _numbered(items):
        places.append(struct.pack(">HHHII", number, 0, 1, start, len(data)))
        start += len(data)
        first = len(properties) + 1
        properties += own
        owned.append(struct.pack(">HB", number, len(own)) + bytes(0x80 | first + k for k in range(len(own))))
    links = [box(kind, struct.pack(">HHH", source, 1, primary)) for kind, source in references]
    return full(
        b"meta",
        full(b"hdlr", b"\0\0\0\0pict" + b"\0" * 13),
        full(b"pitm", struct.pack(">H", primary)),
        full(b"iloc", b"\x44\0", struct.pack(">H", len(items)), *places),
        full(b"iinf", struct.pack(">H", len(items)), *infos),
        *([full(b"iref", *links)] if links else []),
        box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">I", len(items)), *owned)),
    )


def _numbered(items):
    return enumerate(items, 1)


def quarters_scene(width=96, height=64):
    """An upright picture whose four quarters differ, so that any turn or flip shows."""
    array = np.zeros((height, width, 3), np.uint8)
    array[: height // 2, : width // 2] = (200, 30, 40)
    array[: height // 2, width // 2 :] = (30, 190, 60)
    array[height // 2 :, : width // 2] = (40, 60, 210)
    array[height // 2 :, width // 2 :] = (220, 210, 50)
    return array
