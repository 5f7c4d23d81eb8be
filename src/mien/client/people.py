"""`People`: who is enrolled in the collection."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Iterable, Iterator
from typing import cast

from mien.client.documents import Enrolled, Erased, PersonRecord
from mien.client.part import Part
from mien.client.transport import Field, Upload, path_of, uploaded

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
            request: A key of your own for this call, to be sent again with it by another process, say.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        given = {"label": label, "purpose": purpose, "until": until, "person_id": person_id}
        fields: list[Field] = [(name, str(value)) for name, value in given.items() if value is not None]
        single = isinstance(images, (str, bytes, os.PathLike)) or hasattr(images, "read")
        every = cast(Iterable[Upload], [images] if single else images)
        fields += [("images", uploaded(image, f"image {number}")) for number, image in enumerate(every, 1)]
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
