"""`Enrolling`: people and their samples come into a gallery."""

from __future__ import annotations

import json
from collections.abc import Collection as Set
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, NoImages
from mien.gallery import audit
from mien.gallery.collection import Collection
from mien.gallery.outcomes import outcome_of
from mien.gallery.people import Enrolment, Person, Refusal, parse_label, parse_purpose, parse_until
from mien.gallery.resolve import enrollee
from mien.gallery.sources import several
from mien.gallery.store import Transaction

if TYPE_CHECKING:
    import datetime as dt

    from mien.gallery.enrolment import Probe
    from mien.media import Source
    from mien.quality import Gate, Require
    from mien.recognition import Pipeline

__all__ = ["Enrolling"]

FINAL = frozenset({"no_face", "unreadable_image", "image_too_large", "duplicate"})
"""Reasons nobody can allow: there is nothing to enrol."""


class Enrolling(Collection):
    """Enrolment of people."""

    def enroll(
        self,
        label: str,
        sources: Source | Iterable[Source],
        *,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        new: bool = False,
        person_id: str | None = None,
        allow: Set[str] = (),
        require: Require = None,
        request: str | None = None,
    ) -> Enrolment:
        """Enrol a person, or add samples to one; what does not serve is refused with reasons, the rest is enrolled.

        Everything is committed at once at the end. The same content enrolled again for a person changes nothing. A
        face is refused that does not match the person's samples at an FMR of 1e-3 (of a new person's first samples,
        those that do not match the majority; all, where there is none), or that matches somebody else of the
        collection at an FMR of 1e-4, or lower in collections of more than 100 people.

        Args:
            label: What people call them. Where one person bears it, the samples are theirs.
            sources: Images of this one person: a source, or several.
            purpose: What their face is kept for; with ``until``, recorded as a consent given now.
            until: Last day (UTC) on which they are identified; renews a consent that has expired.
            new: Make another person, even where the label is taken.
            person_id: The person to add to, where several bear the label.
            allow: Reasons that are no reason to refuse, such as ``("matches_other_person",)`` for twins.
            require: What the images must be beyond what every sample is asked: ``"quality=medium"``, or a
                `mien.quality.Gate`.
            request: A key of the caller's for this call. Sent again with the same images and ``require``, nothing is
                done and the first answer comes back, so that a caller who got none may simply repeat.

        Returns:
            What was added, was there already, and was refused; ``person_id`` is None where nobody was created.

        Raises:
            InvalidArgument: A label, day or combination that cannot be, samples for an expired consent, or a request
                that was made before with something else.
            NoImages: No source at all.
            AmbiguousPerson: Several people bear the label.
            UnknownPerson: Nobody has that ``person_id``.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed; nothing was changed.
        """
        from mien.gallery.enrolment import look
        from mien.quality import Gate

        gate = Gate.of(require)
        label, expires, purpose = parse_label(label), parse_until(until), parse_purpose(purpose)
        if new and person_id is not None:
            raise InvalidArgument("enroll: give new=True or person_id=, not both")
        if set(allow) & FINAL:
            raise InvalidArgument(f"allow: {', '.join(sorted(set(allow) & FINAL))} leaves nothing to enrol")
        pipeline = self._pipeline()
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            person = enrollee(transaction, label, new, person_id, expires)
            enrolled = transaction.contents(person.person_id) if person else set()
        probes = look(several(sources), pipeline, enrolled, allow, gate)
        if not probes:
            raise NoImages(f"enroll {label}: expected at least one image, got none")
        asked = None if request is None else (request, _asked(label, probes, gate))
        return self._enrol(label, probes, new, person_id, allow, purpose, expires, asked)

    def _enrol(
        self,
        label: str,
        probes: list[Probe],
        new: bool,
        person_id: str | None,
        allow: Set[str],
        purpose: str | None,
        expires: dt.date | None,
        request: tuple[str, str] | None = None,
    ) -> Enrolment:
        """Check what was seen in the images of one person, and commit what serves; arguments as in `enroll`.

        Of a request there is its key, and what was asked with it.
        """
        pipeline = self._pipeline()
        with self._store.writing(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            if request is not None and (done := _done(transaction, *request)) is not None:
                audit.note(transaction, "enroll", [done.person_id], samples=0)
                return done
            # Another thread or process may have enrolled them while this one looked at the images.
            person = enrollee(transaction, label, new, person_id, expires)
            checked = self._check(probes, person, transaction, pipeline, allow)
            enrolled_id = self._commit(probes, person, label, transaction, pipeline)
            if enrolled_id and (purpose or expires) and any(p.already or not p.reasons for p in probes):
                before = transaction.by_id(enrolled_id)
                assert before is not None
                transaction.consent(enrolled_id, purpose or before.purpose, expires or before.expires)
            enrolment = _enrolment(enrolled_id, label, probes, checked=checked)
            people, added = [enrolled_id], len(enrolment.added)
            audit.note(transaction, "enroll", people, samples=added, refused=len(enrolment.refused))
            if request is not None and enrolled_id is not None:
                transaction.keep_outcome(*request, json.dumps(enrolment.to_dict()), enrolled_id)
        return enrolment

    def _check(
        self,
        probes: list[Probe],
        person: Person | None,
        transaction: Transaction,
        pipeline: Pipeline,
        allow: Set[str],
    ) -> bool:
        from mien.gallery.enrolment import Referee, refuse_erased

        referee = Referee(self._calibration(pipeline), allow)
        person_id = person.person_id if person else None
        enrolled = transaction.contents(person_id) if person_id else set()
        for probe in probes:
            probe.already |= probe.sample is not None and probe.sample.sha256 in enrolled
        fresh = [probe for probe in probes if probe.sample and not probe.already]
        referee.check(fresh, person_id, transaction, self._view(transaction))
        if "erased_before" not in allow:
            refuse_erased(fresh, transaction)
        return referee.checked

    def _commit(
        self, probes: list[Probe], person: Person | None, label: str, transaction: Transaction, pipeline: Pipeline
    ) -> str | None:
        samples = [probe.sample for probe in probes if probe.sample and not (probe.already or probe.reasons)]
        if not samples:
            return person.person_id if person else None
        if transaction.space() is None:
            transaction.pin(pipeline.space, pipeline.dimension)
        person_id = person.person_id if person else transaction.add_person(label)
        for sample in samples:
            # Enrolled, the face is no longer to be named.
            transaction.forget_unnamed([*transaction.twins(sample.sha256, sample.template)])
            transaction.add_sample(person_id, sample)
        return person_id


def _asked(label: str, probes: list[Probe], gate: Gate) -> str:
    # Requests of before anything could be required have the same text as those that require nothing.
    required = [] if gate.quality is None else [gate.quality]
    return json.dumps([label, [probe.sha256 for probe in probes], *required])


def _done(transaction: Transaction, request: str, asked: str) -> Enrolment | None:
    """What came of a request before."""
    outcome = outcome_of(transaction, request, asked)
    return None if outcome is None else Enrolment.from_dict(outcome)


def _enrolment(person_id: str | None, label: str, probes: list[Probe], *, checked: bool) -> Enrolment:
    return Enrolment(
        person_id=person_id,
        label=label,
        added=tuple(probe.name for probe in probes if not (probe.already or probe.reasons)),
        already=tuple(probe.name for probe in probes if probe.already),
        refused=tuple(Refusal(p.name, tuple(p.reasons), "; ".join(p.messages)) for p in probes if p.reasons),
        checked=checked,
    )
