"""Collections, and what decisions in them rest on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mien.server.documents.base import Document, Rate

__all__ = [
    "CalibrationRecord",
    "CollectionErased",
    "CollectionRecord",
    "Collections",
    "ComparisonPoint",
    "NewCollection",
    "OperatingPoint",
    "PopulationRecord",
    "Rates",
    "SearchPoint",
]


class NewCollection(Document):
    """A collection to be made, or to be changed; what is left out stays as it is."""

    name: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^\w[\w .,&+@()'-]*$",
        description="it has a place in addresses: no slash",
    )
    consent_required: bool | None = Field(
        default=None, description="whether people are enrolled and named only with a purpose; a new one asks for it"
    )
    crops: bool | None = Field(
        default=None, description="whether pictures of faces are kept, sealed; false erases those that were kept"
    )


class CollectionRecord(Document):
    """A collection."""

    name: str
    consent_required: bool
    crops: bool
    fpir: float
    fmr: float
    people: int
    space: str | None
    revision: int


class Collections(Document):
    """Those that the key may see."""

    collections: list[CollectionRecord]


class CollectionErased(Document):
    """What the erasure of a collection did."""

    collection: str
    people: int
    faces: int = Field(description="samples, and faces without a name")
    level: str
    entry: dict[str, Any]
    proof: dict[str, Any] | None
    elsewhere: list[str] = Field(description="other collections with the same images, of those that the key may see")
    keys: int = Field(description="other API keys that were granted it, and are no more")
    keys_revoked: int = Field(description="those of them that were granted nothing else")


class PopulationRecord(Document):
    """Whose images a calibration rests on; see `mien.recognition.Calibration`."""

    description: str
    people: int
    images: int
    limits: str


class ComparisonPoint(Document):
    """A false match rate, its threshold, and its cost in misses."""

    fmr: float
    threshold: float
    low: float = Field(description="lower end of the rate's 95 % interval at this threshold")
    high: float
    fnmr: float = Field(description="share of comparisons of one person that are missed at this threshold")
    errors: int
    people: int
    supported: bool = Field(description="whether the data stand behind the rate; only such rates can be asked for")


class SearchPoint(Document):
    """A false positive identification rate, its threshold, and its cost in misses."""

    gallery: int
    fpir: float
    threshold: float
    low: float
    high: float
    fnir: float = Field(description="share of searches by people with one sample that miss them at this threshold")
    errors: int
    people: int
    supported: bool


class CalibrationRecord(Document):
    """What decisions of a collection rest on."""

    name: str
    pipeline: str
    space: str
    population: PopulationRecord
    people: int = Field(description="size of the collection, on which supported rates of searches depend")
    lowest_fpir: float | None = Field(description="that can be asked for; null where none can")
    lowest_fmr: float | None
    comparisons: dict[str, list[ComparisonPoint]] = Field(description="by comparison type")


class Rates(Document):
    """At which rates a collection decides, where a request says no other; what is left out stays as it is."""

    fpir: Rate | None = None
    fmr: Rate | None = None


class OperatingPoint(Document):
    """At which rates a collection decides, and what others would cost: DET curves."""

    fpir: float
    fmr: float
    calibration: str
    space: str
    people: int
    searches: list[SearchPoint] = Field(description="of a collection of this size, highest rate first")
    comparisons: list[ComparisonPoint] = Field(description="of two images, highest rate first")
