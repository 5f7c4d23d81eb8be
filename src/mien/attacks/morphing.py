"""Morphs of two faces, to test what is to tell them: landmarks are averaged, both pictures warped there and blended.

As in Makrushin, Neubert and Dittmann (VISAPP 2017): over the whole picture with its ghosts of hair, or the face alone,
spliced into one parent's picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

import cv2
import numpy as np

from mien.attacks.warping import colours_of, face_mask, frame_points, warp_field, warp_triangles
from mien.errors import InvalidArgument, NoFace
from mien.faces import default_detector, default_landmarker, similarity_transforms
from mien.types import Array, Image

__all__ = ["MORPHING_TOOLS", "Morph", "morph"]

_SHARES = (0.1, 0.9)
_MOST = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Morph:
    """A morph and where it comes from.

    Attributes:
        image: (H, W, 3) uint8 RGB, of the first picture's size.
        tool: How it was made.
        share: Of the second face in shape and colour.
        consent: Who agreed to it, and to what.
        parents: sha256 of the parents' pixels.
    """

    image: Image
    tool: str
    share: float
    consent: str
    parents: tuple[str, str]

    @property
    def xmp(self) -> bytes:
        """A packet (ISO 16684-1) that says what it is, in the words of IPTC's digital source types."""
        said = (
            f"Morph of two faces made by Mien to test morphing attack detection; no photo of one person. Tool "
            f"{self.tool}, share {self.share:g}. Consent: {self.consent}. Parents (sha256 of pixels): "
            f"{self.parents[0]}, {self.parents[1]}."
        )
        return _PACKET.format(description=escape(said, quote=False)).encode()


_PACKET = """<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="Mien"
 Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/compositeCapture">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two pictures in the first one's frame, and their points."""

    first: Image
    second: Image
    meshes: tuple[Array, Array]
    points: tuple[Array, Array]
    share: float

    @property
    def between(self) -> Array:
        """The points' weighted mean."""
        return np.asarray((1 - self.share) * self.points[0] + self.share * self.points[1], np.float32)

    def mixed(self, first: Array, second: Array) -> Array:
        """Two pictures cross-dissolved."""
        return (1 - self.share) * first + self.share * second


def morph(first: Image, second: Image, *, consent: str, tool: str = "spliced", share: float = 0.5) -> Morph:
    """A picture that is of two people.

    Args:
        first: (H, W, 3) uint8 RGB; hair, clothes and background are its, but for tools that blend everything.
        second: (H, W, 3) uint8 RGB, of any size.
        consent: Who of the two agreed to it, and to what; written into the file.
        tool: One of `MORPHING_TOOLS`.
        share: Of the second face, 0.1 to 0.9.

    Raises:
        InvalidArgument: No consent, no such tool, or a share outside its range.
        NoFace: A picture without a face, or with several.
    """
    if not consent.strip():
        raise InvalidArgument(
            "consent: expected who agreed to be morphed and for what, got nothing; without it no morph is made"
        )
    if tool not in MORPHING_TOOLS:
        raise InvalidArgument(f"tool: expected one of {', '.join(MORPHING_TOOLS)}, got {tool!r}")
    if not _SHARES[0] <= share <= _SHARES[1]:
        raise InvalidArgument(f"share: expected {_SHARES[0]} to {_SHARES[1]}, got {share}")
    pair = _brought_together(first, second, share)
    made = MORPHING_TOOLS[tool](pair)
    parents = tuple(hashlib.sha256(np.ascontiguousarray(one).tobytes()).hexdigest() for one in (first, second))
    image = np.asarray(np.clip(np.round(made), 0, 255), np.uint8)
    return Morph(image, tool, share, consent.strip(), (parents[0], parents[1]))


def _brought_together(first: Image, second: Image, share: float) -> _Pair:
    own, landmarks = _meshed(first, "first")
    other, others = _meshed(second, "second")
    (into,) = similarity_transforms(others[None], landmarks)
    height, width = first.shape[:2]
    moved = cv2.warpAffine(second, into, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    other = np.asarray(other[:, :2] @ into[:, :2].T + into[:, 2], np.float32)
    meshes = (np.asarray(own[:, :2], np.float32), other)
    points = (frame_points(meshes[0], height, width), frame_points(meshes[1], height, width))
    return _Pair(first, np.asarray(moved, np.uint8), meshes, points, share)


def _meshed(image: Image, name: str) -> tuple[Array, Array]:
    """The mesh and the five landmarks of the one face of a picture."""
    shape = image.shape if isinstance(image, np.ndarray) else ()
    if len(shape) != 3 or shape[2] != 3 or image.dtype != np.uint8 or max(shape) > _MOST:
        raise InvalidArgument(f"{name}: expected (H, W, 3) uint8 RGB of up to {_MOST} pixels a side, got {shape}")
    (faces,) = default_detector().detect([image])
    if len(faces) != 1:
        raise NoFace(f"{name}: expected one face, got {len(faces)}; crop the picture to one person")
    (mesh,) = default_landmarker().meshes([image], [faces])
    return mesh[0], faces.landmarks[0]


def _complete(pair: _Pair) -> Array:
    """The whole of both pictures."""
    warped = (
        warp_triangles(picture, points, pair.between)
        for picture, points in zip((pair.first, pair.second), pair.points, strict=True)
    )
    return pair.mixed(*warped)


def _spliced(pair: _Pair) -> Array:
    """The blended face in the first picture, which is warped to fit it."""
    own = warp_triangles(pair.first, pair.points[0], pair.between)
    other = warp_triangles(pair.second, pair.points[1], pair.between)
    mask = face_mask(pair.between, *pair.first.shape[:2])
    other = colours_of(other, own, mask)
    alpha = mask[..., None]
    return np.asarray((1 - alpha) * own + alpha * pair.mixed(own, other), np.float32)


def _seamless(pair: _Pair) -> Array:
    """The blended face set into the first picture as it was, by its gradients (Perez et al., SIGGRAPH 2003)."""
    own = pair.first.astype(np.float32)
    other = warp_triangles(pair.second, pair.points[1], pair.points[0])
    inner = np.uint8(255) * (face_mask(pair.points[0], *pair.first.shape[:2], soft=False) > 0.5).astype(np.uint8)
    mixed = np.clip(pair.mixed(own, other), 0, 255).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(inner)
    middle = (left + width // 2, top + height // 2)
    return np.asarray(cv2.seamlessClone(mixed, pair.first, inner, middle, cv2.NORMAL_CLONE), np.float32)


def _retouched(pair: _Pair) -> Array:
    """Smoothly warped, sharpened, without ghosts: where both differ beyond the face, the first alone stands."""
    own = warp_field(pair.first, pair.points[0], pair.between)
    other = warp_field(pair.second, pair.points[1], pair.between)
    mask = face_mask(pair.between, *pair.first.shape[:2], grown=1.25)
    other = colours_of(other, own, mask)
    blurred = (cv2.GaussianBlur(one, (0, 0), 4).mean(2) for one in (own, other))
    unlike = np.abs(next(blurred) - next(blurred))
    inside = face_mask(pair.between, *pair.first.shape[:2])
    alpha = (mask * np.maximum(inside, np.exp(-((unlike / 20) ** 2))))[..., None]
    mixed = (1 - alpha) * own + alpha * pair.mixed(own, other)
    sharper = mixed + 0.6 * alpha * (mixed - cv2.GaussianBlur(mixed, (0, 0), 1.2))
    return np.asarray(sharper, np.float32)


MORPHING_TOOLS: Mapping[str, Callable[[_Pair], Array]] = MappingProxyType(
    {"complete": _complete, "spliced": _spliced, "seamless": _seamless, "retouched": _retouched}
)
"""Ways of morphing that leave other traces: a detector that knows one need not know the next."""
