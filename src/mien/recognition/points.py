"""What a calibration holds: operating points, and whose images they rest on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Comparison", "GroupPoint", "IdentificationPoint", "Population", "Threshold", "VerificationPoint"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """What `Calibration` answers: the lowest score that is a match at a rate.

    Attributes:
        value: The threshold.
        low: Lower end of the rate's 95 % interval at this threshold.
        high: Upper end of it.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class VerificationPoint:
    """A false match rate and its threshold.

    Attributes:
        fmr: The rate aimed at; the measured one does not exceed it.
        threshold: Lowest score that is a match.
        low: Lower end of the 95 % interval of the rate at this threshold (subject-level bootstrap).
        high: Upper end of it.
        fnmr: False non-match rate at this threshold on the same data.
        errors: False matches counted.
        people: Distinct people behind them.
        supported: Whether both are 30 or more. An unsupported point has a one-sided bound in ``high``.
    """

    fmr: float
    threshold: float
    low: float
    high: float
    fnmr: float
    errors: int
    people: int
    supported: bool


@dataclass(frozen=True, slots=True)
class IdentificationPoint:
    """A false positive identification rate in a gallery of ``gallery`` people; other fields as `VerificationPoint`."""

    gallery: int
    fpir: float
    threshold: float
    low: float
    high: float
    fnir: float
    errors: int
    people: int
    supported: bool


@dataclass(frozen=True, slots=True)
class GroupPoint:
    """The false match rate within a group of people at the threshold of a rate that is stated for all.

    Attributes:
        attribute: What people are grouped by.
        group: The group.
        people: How many it has.
        stated: The rate that is stated.
        fmr: The rate within the group, as measured.
        low: Lower end of its 95 % interval.
        high: Upper end; where the rate is not supported, only this may be quoted.
        supported: Whether the data support it.
    """

    attribute: str
    group: str
    people: int
    stated: float
    fmr: float
    low: float
    high: float
    supported: bool

    @property
    def exceeds(self) -> bool:
        """Whether the group's rate exceeds the stated one by more than its interval."""
        return self.low > self.stated


@dataclass(frozen=True, slots=True)
class Comparison:
    """Calibration of one comparison type.

    Attributes:
        mated: How many mated comparisons it rests on.
        non_mated: How many non-mated ones.
        points: Operating points, highest rate first.
        llr: Slope and intercept of the natural log-likelihood ratio over the score (logistic calibration, Bruemmer
            and du Preez 2006, mated scores weighing one per person).
    """

    mated: int
    non_mated: int
    points: tuple[VerificationPoint, ...]
    llr: tuple[float, float]

    @property
    def supported(self) -> tuple[VerificationPoint, ...]:
        """The points whose rate may be promised, highest rate first."""
        return tuple(point for point in self.points if point.supported)


@dataclass(frozen=True, slots=True)
class Population:
    """Whose images a calibration rests on.

    Attributes:
        description: What they are.
        people: How many people.
        images: How many images.
        limits: What not to expect of it.
    """

    description: str
    people: int
    images: int
    limits: str
