"""What may become a sample: one clear face, fit for recognition, of the person it is said to be."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien import media, quality, recognition
from mien.errors import InputError, MienError, UnsupportedErrorRate
from mien.gallery.search import View
from mien.gallery.sources import content
from mien.gallery.store import Sample, Transaction
from mien.types import Array, Decision, Faces

if TYPE_CHECKING:
    from mien.media import Source
    from mien.recognition import Calibration, Pipeline

__all__ = ["Probe", "Referee", "look", "refuse_erased", "take"]

MAIN_FACE = 0.5
"""A second face of at least this share of the largest one's size (a quarter of its area) leaves open who is meant."""

SAME_FMR = 1e-3
"""A new sample must match its person at this rate: one stranger's face in a thousand gets past."""

OTHER_FMR = 1e-4
"""A new sample must not match anybody else at this rate..."""

OTHER_FPIR = 1e-2
"""...nor at the FMR that refuses this share of newcomers by mistake, which is lower the more people there are."""


@dataclass(slots=True)
class Probe:
    """An image on its way into the gallery."""

    name: str
    sample: Sample | None = None
    sha256: str = ""
    already: bool = False
    reasons: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def refuse(self, reason: str, message: str) -> None:
        """Note a reason, and what it says to people."""
        self.reasons.append(reason)
        self.messages.append(message)

    @property
    def template(self) -> Array:
        """(d,) float32; only of a probe that has a sample."""
        assert self.sample is not None
        return self.sample.template


def look(
    sources: Iterable[Source],
    pipeline: Pipeline,
    enrolled: Collection[str],
    allow: Collection[str],
    gate: quality.Gate = quality.OPEN,
) -> list[Probe]:
    """Find the face to enrol in each image; constant memory but for templates.

    Args:
        sources: Images.
        pipeline: Finds and embeds.
        enrolled: Hashes of contents that need no second look.
        allow: Reasons that are no reason to refuse.
        gate: What is required beyond what every sample is asked.

    Returns:
        A probe a source, in order: a sample, ``already``, or reasons. What is wrong with one image does not stop the
        others; what is wrong with the models or the call is raised.
    """
    probes: list[Probe] = []
    sent: list[Probe] = []
    hashes: list[str] = []

    def feed() -> Iterator[Source]:
        for source in sources:
            probe = Probe(media.source_name(source))
            probes.append(probe)
            try:
                readable, sha256 = content(source)
            except InputError as error:
                probe.refuse(error.code, error.message)
                continue
            probe.sha256 = sha256
            if sha256 in enrolled:
                probe.already = True
            elif sha256 in hashes:
                probe.refuse("duplicate", "the same content was given before in this call")
            else:
                sent.append(probe)
                hashes.append(sha256)
                yield readable

    def failed(index: int, error: MienError) -> None:
        if not isinstance(error, InputError):
            raise error
        sent[index].refuse(error.code, error.message)

    for index, _, faces in pipeline.find_all_indexed(feed(), on_error=failed):
        _examine(sent[index], faces, hashes[index], pipeline.artefact, allow, gate)
    return probes


def _examine(
    probe: Probe, faces: Faces, sha256: str, artefact: str, allow: Collection[str], gate: quality.Gate
) -> None:
    if not len(faces):
        probe.refuse("no_face", "no face was found; give a picture in which the face is at least 24 pixels wide")
        return
    sizes = faces.sizes
    main = int(np.argmax(sizes))
    rivals = int(np.count_nonzero(sizes >= MAIN_FACE * sizes[main])) - 1
    if rivals and "several_faces" not in allow:
        probe.refuse("several_faces", f"{rivals + 1} faces of like size: cut out the one that is meant")
    take(probe, faces, main, sha256, artefact, allow, gate)


def take(
    probe: Probe,
    faces: Faces,
    row: int,
    sha256: str,
    artefact: str,
    allow: Collection[str],
    gate: quality.Gate = quality.OPEN,
) -> None:
    """Make one face of an image the probe's sample, unless it has reasons against it or the face gives some.

    Args:
        probe: Of the image.
        faces: With templates and quality.
        row: Which of them.
        sha256: Hash of the image's content.
        artefact: What computed the templates.
        allow: Reasons that are no reason to refuse.
        gate: What is required beyond what every sample is asked.
    """
    always, required = quality.reasons(faces, quality.ENROLMENT)[row], gate.reasons(faces)[row]
    for reason in dict.fromkeys((*always, *required)):
        if reason not in allow:
            probe.refuse(reason, f"the face is {reason.replace('_', ' ')}: give a clearer picture")
    if probe.reasons:
        return
    assert faces.templates is not None
    grade = None if faces.quality is None else float(faces.quality[row])
    # The folders of a path say more about a person than they consented to.
    name = Path(probe.name).name
    template, box = np.array(faces.templates[row], np.float32), tuple(faces.boxes[row].tolist())
    probe.sample = Sample(template, name, sha256, artefact, grade, box)


def refuse_erased(probes: Iterable[Probe], transaction: Transaction) -> None:
    """Refuse the images of people who were erased: they must not come back unnoticed with the next import."""
    for probe in probes:
        assert probe.sample is not None
        if transaction.erased_before([f"content:{probe.sample.sha256}"]):
            probe.refuse("erased_before", "it was a sample of somebody who was erased: ask them before you enrol it")


class Referee:
    """Says whether faces are of one person, at stated error rates.

    Args:
        calibration: Of the pipeline; None compares nothing, which `checked` then says.
        allow: Reasons that are no reason to refuse.
    """

    def __init__(self, calibration: Calibration | None, allow: Collection[str]) -> None:
        self._calibration = calibration
        self._allow = allow
        self.checked = calibration is not None

    def check(self, probes: list[Probe], person_id: str | None, transaction: Transaction, view: View) -> None:
        """Refuse the samples that are not the person's, or are somebody else's.

        Args:
            probes: Probes with samples.
            person_id: The person, None for a new one.
            transaction: Where their samples are.
            view: Everybody.
        """
        if not probes:
            return
        templates = np.stack([probe.template for probe in probes])
        if "does_not_match_person" not in self._allow:
            known = transaction.templates(person_id) if person_id else templates[:0]
            fits = self._fits(templates, known) if len(known) else self._among(templates)
            for probe in (probe for probe, fit in zip(probes, fits, strict=True) if not fit):
                probe.refuse("does_not_match_person", "the face does not match the person's other samples")
        if "matches_other_person" not in self._allow:
            self._compare_with_others(probes, templates, person_id, transaction, view)

    def _fits(self, templates: Array, enrolled: Array) -> NDArray[np.bool_]:
        threshold = self._threshold(recognition.comparison_type(len(enrolled)), SAME_FMR)
        return np.asarray(templates @ recognition.fuse(enrolled) >= threshold)

    def _among(self, templates: Array) -> NDArray[np.bool_]:
        """Which first samples belong together: those that match the one that matches most, if that is a majority."""
        scores = templates @ templates.T
        agree = scores >= self._threshold("image-image", SAME_FMR)
        np.fill_diagonal(agree, val=True)
        medoid = max(range(len(scores)), key=lambda i: (agree[i].sum(), scores[i].sum()))
        majority = 2 * int(agree[medoid].sum()) > len(scores)
        return np.asarray(agree[medoid] & majority)

    def _compare_with_others(
        self, probes: list[Probe], templates: Array, person_id: str | None, transaction: Transaction, view: View
    ) -> None:
        fmr = min(OTHER_FMR, OTHER_FPIR / max(1, view.people))
        for probe, found in zip(probes, view.search(templates, 1, without=person_id), strict=True):
            assert probe.sample is not None
            owners = set(transaction.twins(probe.sample.sha256, probe.template).values()) - {person_id, None}
            if owners:
                probe.refuse("matches_other_person", "the same face is a sample of somebody else")
                continue
            for other in found.candidates:
                threshold = self._threshold(recognition.comparison_type(other.samples), fmr, unchecked=math.inf)
                if other.score >= threshold:
                    message = f"the face is that of {other.label} ({other.person_id}), score {other.score:.3f}"
                    probe.refuse("matches_other_person", message)

    def _threshold(self, comparison: str, fmr: float, unchecked: float = -math.inf) -> float:
        """Lowest score that is a match at an FMR, or at the lowest that the calibration supports."""
        decision: Decision | None
        try:
            decision = self._decision(comparison, fmr)
        except UnsupportedErrorRate as error:
            bound = error.details["bound"]
            decision = self._decision(comparison, bound) if isinstance(bound, float) else None
        if decision is None or "uncalibrated" in decision.reasons:
            self.checked = False
            return unchecked
        return decision.threshold

    def _decision(self, comparison: str, fmr: float) -> Decision:
        return recognition.decide_verification(0.0, calibration=self._calibration, fmr=fmr, comparison=comparison)
