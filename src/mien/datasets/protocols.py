"""What a name such as ``lfw`` means: which captures or pairs of which set, and whom to cite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal

from mien.datasets.bin import read_bin, read_bin_pairs
from mien.datasets.cfp import read_cfp, read_cfp_pairs
from mien.datasets.folder import read_folder
from mien.datasets.frll import read_frll
from mien.datasets.lfw import read_lfw, read_lfw_pairs
from mien.datasets.records import Pair, Record
from mien.errors import InvalidArgument

__all__ = ["PROTOCOLS", "Protocol", "find_protocol"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is compared with what.

    Attributes:
        name: As in `PROTOCOLS`.
        title: For a heading.
        citation: Of the set, or empty where it is one's own.
        kind: ``"pairs"``, a published list in folds, or ``"captures"``, each against each.
        captures: All captures of the set below a folder (of a ``.bin`` file).
        pairs: The published list, or None where there is none.
        takes_images: Whether the set may lie in several folders of images, of which one is named.
    """

    name: str
    title: str
    citation: str
    kind: Literal["pairs", "captures"]
    captures: Callable[..., Iterator[Record]]
    pairs: Callable[..., Iterator[Pair]] | None = None
    takes_images: bool = False


_LFW = (
    "Huang, Ramesh, Berg and Learned-Miller: Labeled Faces in the Wild: A Database for Studying Face Recognition "
    "in Unconstrained Environments. University of Massachusetts, Amherst, Technical Report 07-49, 2007"
)
_CFP = (
    "Sengupta, Chen, Castillo, Patel, Chellappa and Jacobs: Frontal to Profile Face Verification in the Wild. WACV 2016"
)
_FRLL = "DeBruine and Jones: Face Research Lab London Set. figshare, 2017. doi:10.6084/m9.figshare.5047666"
_BIN = "Deng, Guo, Xue and Zafeiriou: ArcFace: Additive Angular Margin Loss for Deep Face Recognition. CVPR 2019"

_ALL = (
    Protocol("bin", "InsightFace verification file", _BIN, "pairs", read_bin, read_bin_pairs),
    Protocol("cfp-ff", "CFP, frontal to frontal", _CFP, "pairs", read_cfp, partial(read_cfp_pairs, protocol="ff")),
    Protocol("cfp-fp", "CFP, frontal to profile", _CFP, "pairs", read_cfp, partial(read_cfp_pairs, protocol="fp")),
    Protocol("folder", "A folder a person, all captures", "", "captures", read_folder),
    Protocol("frll", "Face Research Lab London Set, all captures", _FRLL, "captures", read_frll),
    Protocol("lfw", "LFW, View 2", _LFW, "pairs", read_lfw, read_lfw_pairs, takes_images=True),
    Protocol("lfw-all", "LFW, all captures", _LFW, "captures", read_lfw, takes_images=True),
    Protocol(
        "lfw-dev",
        "LFW, View 1 (development), test list",
        _LFW,
        "pairs",
        read_lfw,
        partial(read_lfw_pairs, view=1, subset="test"),
        takes_images=True,
    ),
)

PROTOCOLS = MappingProxyType({protocol.name: protocol for protocol in _ALL})
"""By name, sorted."""


def find_protocol(name: str, *, images: str | None = None) -> Protocol:
    """The protocol of that name.

    Args:
        name: One of `PROTOCOLS`.
        images: Name of the images' folder, where the set has several (LFW alone).

    Raises:
        InvalidArgument: No such protocol, or its set has no folder of images to name.
    """
    if name not in PROTOCOLS:
        raise InvalidArgument(f"expected a protocol ({', '.join(PROTOCOLS)}), got {name!r}")
    protocol = PROTOCOLS[name]
    if images is None:
        return protocol
    if not protocol.takes_images:
        raise InvalidArgument(f"{name} has no choice of image folders, got images={images!r}; leave it out")
    pairs = None if protocol.pairs is None else partial(protocol.pairs, images=images)
    return replace(protocol, captures=partial(protocol.captures, images=images), pairs=pairs)
