"""`People`: who is enrolled in the collection."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator

from mien.client.documents import Enrolled, Erased, PersonRecord, SampleRecord, Samples
from mien.client.part import Part
from mien.client.transport import Field, Upload, every, path_of, uploaded

__all__ = ["People"]


class People(Part):
    """Enrolment, changes and erasure."""

    def enroll(
        self,
        label: str,
        images: Upload | Iterable[Upload],
        *,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        person_id: str | None = None,
        require: str | None = None,
        request: str | None = None,
    ) -> Enrolled:
        """Enrol a person, or add images to one; those that do not serve are in ``refused``, with reasons.

        Sent again by itself where the answer was lost, and done once all the same.

        Args:
            label: What people call them.
            images: Of this one person.
            purpose: What they agreed to; collections ask for it unless they were made otherwise.
            until: Last day on which they are identified.
            person_id: The person to add to, where several bear the label.
            require: What the images must be beyond what every sample is asked, such as ``"quality=medium"``.
            request: A key of your own for this call, to be sent again with it by another process, say.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        given = {"label": label, "purpose": purpose, "until": until, "person_id": person_id, "require": require}
        fields: list[Field] = [(name, str(value)) for name, value in given.items() if value is not None]
        fields += [("images", uploaded(image, f"image {number}")) for number, image in enumerate(every(images), 1)]
        done: Enrolled = self._transport.ask(
            "POST",
            self._people(),
            fields=fields,
            headers={"Idempotency-Key": request or secrets.token_hex(16)},
            repeatable=True,
        )
        return done

    def people(self, *, page: int = 100) -> Iterator[PersonRecord]:
        """Everybody, in the order of enrolment, a page at a time.

        Raises:
            ServiceError: The service refused, or did not answer.
        """
        after = None
        while True:
            query = {"after": after, "limit": page}
            answer = self._transport.ask("GET", self._people(), query=query)
            yield from answer["people"]
            after = answer["next"]
            if after is None:
                return

    def person(self, person_id: str) -> PersonRecord:
        """One person.

        Raises:
            ServiceError: There is nobody of that key (404), or the service did not answer.
        """
        person: PersonRecord = self._transport.ask("GET", self._people(person_id))
        return person

    def rename(self, person_id: str, label: str) -> PersonRecord:
        """Give a person another label.

        Raises:
            ServiceError: There is nobody of that key (404), or the service did not answer.
        """
        change = {"label": label}
        changed: PersonRecord = self._transport.ask("PATCH", self._people(person_id), document=change, repeatable=True)
        return changed

    def consent(self, person_id: str, purpose: str, *, until: str | dt.date | None = None) -> PersonRecord:
        """Record a consent given now, in place of an earlier one.

        Args:
            person_id: Whose.
            purpose: What they agreed to.
            until: Last day on which they are identified; None for no end.

        Raises:
            ServiceError: There is nobody of that key (404), or the service did not answer.
        """
        said = {"purpose": purpose, "until": None if until is None else str(until)}
        path = self._people(person_id, "consent")
        changed: PersonRecord = self._transport.ask("PUT", path, document=said, repeatable=True)
        return changed

    def merge(self, person_id: str, other: str, *, force: bool = False, request: str | None = None) -> PersonRecord:
        """Give a person the samples of another who turned out to be the same, and who is removed.

        Args:
            person_id: Who stays.
            other: Who is removed.
            force: Also where they were said to be two, or appear in one photo.
            request: As in `enroll`.

        Raises:
            ServiceError: One of them is not there (404), they are two (409), or the service did not answer.
        """
        return self._edit(self._people(person_id, "merge"), {"person_id": other, "force": force}, request)

    def split(
        self, person_id: str, samples: Iterable[str], label: str | None = None, *, request: str | None = None
    ) -> PersonRecord:
        """Make somebody new of some of a person's samples.

        Args:
            person_id: Whose they were.
            samples: Their keys.
            label: Of the new person.
            request: As in `enroll`.

        Raises:
            ServiceError: They are not there (404), or the service did not answer.
        """
        return self._edit(self._people(person_id, "split"), {"samples": [*samples], "label": label}, request)

    def samples(self, person_id: str) -> list[SampleRecord]:
        """The samples of a person, the first enrolled first.

        Raises:
            ServiceError: There is nobody of that key (404), or the service did not answer.
        """
        found: Samples = self._transport.ask("GET", self._people(person_id, "samples"))
        return found["samples"]

    def add_samples(
        self,
        person_id: str,
        images: Upload | Iterable[Upload],
        *,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        require: str | None = None,
        request: str | None = None,
    ) -> Enrolled:
        """Add images of a person, who needs no other purpose than the one they agreed to before; see `enroll`."""
        given = {"purpose": purpose, "until": until, "require": require}
        fields: list[Field] = [(name, str(value)) for name, value in given.items() if value is not None]
        fields += [("images", uploaded(image, f"image {number}")) for number, image in enumerate(every(images), 1)]
        done: Enrolled = self._transport.ask(
            "POST",
            self._people(person_id, "samples"),
            fields=fields,
            headers={"Idempotency-Key": request or secrets.token_hex(16)},
            repeatable=True,
        )
        return done

    def erase_sample(self, person_id: str, face_id: str, *, proof: bool = False) -> Erased:
        """Erase one sample of a person with every byte of its template and picture; arguments as in `erase`."""
        path = self._people(person_id, "samples", face_id)
        erased: Erased = self._transport.ask("DELETE", path, query={"proof": proof})
        return erased

    def crop(self, person_id: str, face_id: str) -> bytes:
        """The picture of a sample, a JPEG.

        Raises:
            ServiceError: None is kept of it (404), or the service did not answer.
        """
        return self._transport.fetch(self._people(person_id, "samples", face_id, "crop"))

    def erase(self, person_id: str, *, proof: bool = False) -> Erased:
        """Erase a person with every byte of their templates.

        Args:
            person_id: Who.
            proof: Search the gallery's files for the templates afterwards.

        Raises:
            ServiceError: There is nobody of that key (404), or the service did not answer; whether somebody is erased
                of whom no answer came, `person` tells.
        """
        erased: Erased = self._transport.ask("DELETE", self._people(person_id), query={"proof": proof})
        return erased

    def _people(self, *below: str) -> str:
        return path_of("collections", self.collection, "people", *below)
