"""`Naming`: faces of people who are not yet known are kept, grouped, and given a name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from mien.errors import InvalidArgument, LinkConflict, MienError, SpaceMismatch, UnknownFace
from mien.gallery import audit, outcomes
from mien.gallery.collection import Collection
from mien.gallery.people import Person, parse_label, parse_purpose, parse_until, today
from mien.gallery.records import FaceRecord, Suggestion
from mien.gallery.resolve import enrollee, face, one
from mien.gallery.sources import hash_of_image, several
from mien.gallery.store import Transaction
from mien.types import Candidate, Faces, Image

if TYPE_CHECKING:
    from mien.gallery.collecting import Find
    from mien.gallery.suggestions import Evidence, Group
    from mien.media import Source
    from mien.recognition import Pipeline

__all__ = ["Naming"]

_BATCH = 32
"""Photos a commit: what a run that is killed has to look at again."""


class Naming(Collection):
    """People to be named.

    Unnamed faces are personal data of people who consented to nothing. They are kept only by `suggest` and `remember`,
    never by `identify` or `enroll`; with ``keep_days`` they go by themselves, and with `forget` at once.
    """

    def suggest(
        self,
        sources: Source | Iterable[Source] | None = None,
        *,
        fmr: float | None = None,
        fpir: float = 0.01,
        min_faces: int = 2,
        keep_days: int | None = None,
        on_error: Callable[[int, MienError], None] | None = None,
    ) -> list[Suggestion]:
        """Keep the faces of new photos, and say which of all unnamed faces seem to be of one person.

        A photo whose content was looked at before is skipped, so that a run that was stopped goes on where it was.
        Faces that would not do as samples (too small, blurred, turned away...) are left out. Faces decided to be a
        known person are suggested as more of them; the others are clustered, those of people whose consent has expired
        among them. Two faces of one photo are never one person, and a face is never suggested as somebody it was
        rejected for.

        Args:
            sources: New photos: a source, or several; None for none.
            fmr: Share of pairs of strangers' faces that may count as one person's in clustering; None for one that
                falls as the faces grow in number (see `mien.recognition.clustering_threshold`).
            fpir: Share of strangers' faces that may be taken for somebody known.
            min_faces: Leave out smaller groups of unknown people; their faces are kept.
            keep_days: After how many days the faces found now are forgotten, unless they were named; None for never.
            on_error: Called with the position and the error of an image that cannot be read, which is then left out;
                None raises it.

        Returns:
            The suggestions, largest first. One keeps its id through later runs as long as most of its faces stay.

        Raises:
            NotCalibrated: No calibration fits the pipeline.
            UnsupportedErrorRate: The calibration cannot support a rate.
            UnreadableImage: An image cannot be read, and ``on_error`` is None; what was found before is kept.
            SpaceMismatch: The collection is pinned to another embedding space than the pipeline's.
            StoreError: The store failed; photos are kept 32 at a time, each time all or nothing.
        """
        from mien.gallery.suggestions import Evidence, group, known_people

        _check_suggest(fmr, fpir, min_faces)
        expires, pipeline = _last_day(keep_days), self._pipeline()
        self._forget_expired()
        if sources is not None:
            self._collect(several(sources), pipeline, expires, on_error)
        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            if transaction.space() is None:
                return []
            evidence, calibration = Evidence.of(transaction), self._calibration(pipeline)
            known = known_people(evidence, self._view(transaction), calibration, fpir)
        groups = group(evidence, known, calibration, fmr=fmr)
        with self._store.writing(self.collection) as transaction:
            audit.note(transaction, "suggest", faces=len(evidence.faces.face_ids))
            return _written(transaction, evidence, groups, min_faces)

    def suggestions(self, *, min_faces: int = 1) -> list[Suggestion]:
        """The suggestions as the last `suggest` left them, largest first, less what was named or forgotten since.

        Args:
            min_faces: As in `suggest`.
        """
        with self._store.reading(self.collection) as transaction:
            found, people = transaction.unnamed_faces(), transaction.candidates()
            listed = [
                Suggestion(key, tuple(faces), _candidate(transaction, faces, people.get(key)))
                for key, faces in found.items()
            ]
        shown = (s for s in listed if s.candidate or len(s.faces) >= min_faces)
        return sorted(shown, key=lambda s: (-len(s.faces), s.suggestion_id))

    def _collect(
        self,
        sources: Iterable[Source],
        pipeline: Pipeline,
        expires: dt.date | None,
        on_error: Callable[[int, MienError], None] | None,
    ) -> None:
        from mien.gallery.collecting import collect

        with self._store.reading(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            scanned = transaction.scanned()
        found = collect(sources, pipeline, scanned, on_error)
        while finds := list(islice(found, _BATCH)):
            self._keep(finds, pipeline, expires)

    def _keep(self, finds: Sequence[Find], pipeline: Pipeline, expires: dt.date | None) -> None:
        from mien.gallery.collecting import keep

        with self._store.writing(self.collection) as transaction:
            self._check_space(transaction, pipeline)
            if transaction.space() is None:
                if not any(find.samples for find in finds):
                    return
                transaction.pin(pipeline.space, pipeline.dimension)
            for find in finds:
                # Another process may have looked at it meanwhile.
                if transaction.mark_scanned(find.sha256):
                    keep(transaction, find.samples, find.path, expires)
            audit.note(transaction, "remember", images=len(finds))

    def remember(
        self, image: Image, faces: Faces, *, source: str = "", keep_days: int | None = None
    ) -> tuple[str, ...]:
        """Keep faces of an image as unnamed, such as the best face of a track nobody knows; see `suggest`.

        Args:
            image: (height, width, 3) uint8, RGB, upright; it is not stored.
            faces: Faces in it, with templates and quality.
            source: What to call the image, such as ``"door.mp4 at 12.5 s"``.
            keep_days: As in `suggest`.

        Returns:
            Keys of the faces that were kept: those that would do as samples and were not kept before.

        Raises:
            InvalidArgument: The faces have no templates or were not assessed.
            SpaceMismatch: Their templates are of another embedding space than the collection's.
            StoreError: The store failed; nothing was changed.
        """
        from mien.gallery.collecting import keep, samples_of

        expires = _last_day(keep_days)
        if faces.templates is None or faces.space is None:
            raise InvalidArgument("remember: expected faces with templates; a pipeline makes them")
        self._forget_expired()
        samples = samples_of(faces, source, hash_of_image(image), self._pipeline().artefact)
        if not samples:
            return ()
        with self._store.writing(self.collection) as transaction:
            pinned, own = transaction.space(), (faces.space, int(faces.templates.shape[1]))
            if pinned is None:
                transaction.pin(*own)
            elif pinned != own:
                message = f"remember: expected templates of {pinned[0]}, got {own[0]}; they cannot be compared"
                raise SpaceMismatch(message, expected=pinned[0], got=own[0])
            kept = tuple(keep(transaction, samples, None, expires))
            audit.note(transaction, "remember", faces=len(kept))
            return kept

    def name(
        self,
        suggestion_id: str,
        label: str,
        *,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        faces: Iterable[str] | None = None,
    ) -> Person:
        """Say who a suggestion is: its faces become samples of that person.

        Args:
            suggestion_id: Key of a suggestion.
            label: What to call the person, or the label or id of somebody known, who gets the faces.
            purpose: What their face is kept for; with ``until``, recorded as a consent given now.
            until: Last day (UTC) on which they are identified; renews a consent that has expired.
            faces: Keys of the faces to take, or their first digits; None for all. The others stay unnamed.

        Returns:
            The person as they are now.

        Raises:
            InvalidArgument: A label or day that cannot be, no face, or faces for an expired consent.
            UnknownFace: No such suggestion, or a face that is not in it.
            LinkConflict: A face was rejected for the person, or they have another face of the same photo.
            AmbiguousPerson: Several people bear the label.
            StoreError: The store failed; nothing was changed.
        """
        label, expires, purpose = parse_label(label), parse_until(until), parse_purpose(purpose)
        with self._store.writing(self.collection) as transaction:
            outcomes.check(transaction)
            chosen = _chosen(transaction, suggestion_id, faces)
            person = transaction.by_id(label)
            person_id = person.person_id if person else None
            person = enrollee(transaction, person.label if person else label, False, person_id, expires)
            if person is not None:
                _check_links(transaction, chosen, person)
            summary = (
                f"{len(chosen)} {'face' if len(chosen) == 1 else 'faces'} named {person.label if person else label}"
            )
            transaction.begin_edit("name", summary, [person.person_id] if person else [])
            named = person.person_id if person else transaction.add_person(label)
            transaction.concern([named])
            transaction.assign([face.face_id for face in chosen], named)
            if purpose or expires:
                before = one(transaction, named)
                transaction.consent(named, purpose or before.purpose, expires or before.expires)
            audit.note(transaction, "name", [named], faces=len(chosen))
            return outcomes.keep(transaction, one(transaction, named))

    def forget(self, *keys: str) -> int:
        """Remove unnamed faces and every byte of their templates from all files of the store, for good.

        Args:
            keys: Suggestion ids and face ids (or the first digits of those). Without any, every unnamed face goes, and
                the list of photos that were looked at, so that a later `suggest` starts anew; with some, their photos
                are not looked at again.

        Returns:
            How many faces were removed.

        Raises:
            UnknownFace: No suggestion and no unnamed face of that key; nothing was changed.
            StoreUnavailable: As in `erase`.
        """
        with self._store.writing(self.collection) as transaction:
            faces = [found for key in keys for found in _unnamed(transaction, key)] if keys else None
            removed = transaction.forget_unnamed(faces)
            audit.note(transaction, "forget", faces=removed)
        self._purge()
        return removed


def _written(transaction: Transaction, evidence: Evidence, groups: Sequence[Group], min_faces: int) -> list[Suggestion]:
    """Store the groups, and read them back: faces may have been named, rejected or forgotten meanwhile."""
    from mien.gallery.suggestions import keys

    candidates, said = {}, transaction.not_people()
    for group, key in zip(groups, keys(groups, evidence.faces), strict=True):
        person_id = group.candidate.person_id if group.candidate else None
        if person_id is not None and transaction.by_id(person_id) is None:
            person_id = None
        members = (evidence.faces.face_ids[row] for row in group.rows)
        transaction.group([face_id for face_id in members if (face_id, person_id) not in said], key, person_id)
        candidates[key] = group.candidate if person_id else None
    found = transaction.unnamed_faces()
    suggestions = [Suggestion(key, tuple(found[key]), known) for key, known in candidates.items() if key in found]
    shown = (s for s in suggestions if s.candidate or len(s.faces) >= min_faces)
    return sorted(shown, key=lambda s: -len(s.faces))


def _candidate(transaction: Transaction, faces: Sequence[FaceRecord], person_id: str | None) -> Candidate | None:
    """The known person whom faces were decided to be, with the best score of the faces as it is now."""
    person = None if person_id is None else transaction.by_id(person_id)
    if person is None or not person.samples:
        return None
    from mien.recognition import fuse

    own = fuse(transaction.templates(person.person_id))
    score = max(float(transaction.template(one_face.face_id) @ own) for one_face in faces)
    return Candidate(person.person_id, person.label, score, person.samples)


def _chosen(transaction: Transaction, suggestion_id: str, faces: Iterable[str] | None) -> list[FaceRecord]:
    members = transaction.unnamed_faces(suggestion_id).get(suggestion_id, [])
    if not members:
        message = f"no suggestion of the id {suggestion_id!r}; ask for suggestions anew"
        raise UnknownFace(message, suggestion_id=suggestion_id)
    if faces is None:
        return members
    chosen = list(dict.fromkeys(face(transaction, key) for key in faces))
    if not chosen:
        raise InvalidArgument("name: expected at least one face, got none")
    for one_face in chosen:
        if one_face not in members:
            message = f"the face {one_face.face_id} is not in suggestion {suggestion_id}"
            raise UnknownFace(message, face=one_face.face_id)
    return chosen


def _check_links(transaction: Transaction, chosen: Sequence[FaceRecord], person: Person) -> None:
    said = transaction.forbidden([face.face_id for face in chosen], person.person_id)
    if said:
        message = f"name: {len(said)} of the faces were said not to be {person.label}; move them one by one if they are"
        raise LinkConflict(message, faces=[*said])
    twice = [face.face_id for face in chosen if person.person_id in transaction.owners(face.sha256)]
    if twice:
        message = f"name: {person.label} has another face of the same photo, and nobody is twice in one; choose faces"
        raise LinkConflict(message, faces=[*twice])


def _unnamed(transaction: Transaction, key: str) -> list[str]:
    """Keys of the unnamed faces that a key means."""
    members = transaction.unnamed_faces(key).get(key)
    if members:
        return [member.face_id for member in members]
    found = face(transaction, key)
    if found.person_id is not None:
        raise UnknownFace(f"{key!r} is a sample of somebody: reject it first, or erase the person", face=key)
    return [found.face_id]


def _last_day(keep_days: int | None) -> dt.date | None:
    if keep_days is None:
        return None
    if not isinstance(keep_days, int) or not 0 < keep_days <= 36_500:
        raise InvalidArgument(f"keep_days: expected 1 to 36500 days, got {keep_days!r}")
    return today() + dt.timedelta(days=keep_days)


def _check_suggest(fmr: float | None, fpir: float, min_faces: int) -> None:
    for rate_name, rate in (("fmr", fmr), ("fpir", fpir)):
        if rate is not None and not 0 < rate < 1:
            raise InvalidArgument(f"{rate_name}: expected a rate between 0 and 1, got {rate}")
    if min_faces < 1:
        raise InvalidArgument(f"min_faces: expected at least 1, got {min_faces}")
