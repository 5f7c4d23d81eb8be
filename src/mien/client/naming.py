"""`Naming`: faces that nobody has a name for yet, and edits that are taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from mien.client.documents import EditRecord, Edits, Forgotten, PersonRecord, SampleRecord, Suggestions
from mien.client.part import Part
from mien.client.transport import Field, Upload, every, path_of, uploaded

__all__ = ["Naming"]


class Naming(Part):
    """People to be named; every method raises `mien.errors.ServiceError`."""

    def suggest(
        self, images: Upload | Iterable[Upload] = (), *, keep_days: int = 30, min_faces: int = 1
    ) -> Suggestions:
        """Keep the faces of new photos, and group all unnamed faces anew; photos that were looked at are skipped.

        Args:
            images: New photos; none to group what is kept.
            keep_days: After how many days faces found now are forgotten, unless they were named.
            min_faces: Leave out smaller groups of unknown people.

        Raises:
            UnreadableImage: There is no such file.
        """
        fields: list[Field] = [("keep_days", str(keep_days))]
        fields += [("images", uploaded(image, f"image {number}")) for number, image in enumerate(every(images), 1)]
        found: Suggestions = self._transport.ask(
            "POST", self._suggestions(), query={"min_faces": min_faces}, fields=fields, repeatable=True
        )
        return found

    def suggestions(self, *, min_faces: int = 1) -> Suggestions:
        """Unnamed faces that seem to be of one person, as they were grouped last."""
        found: Suggestions = self._transport.ask("GET", self._suggestions(), query={"min_faces": min_faces})
        return found

    def name(
        self,
        suggestion_id: str,
        label: str | None = None,
        *,
        person_id: str | None = None,
        purpose: str | None = None,
        until: str | dt.date | None = None,
        faces: Iterable[str] | None = None,
        request: str | None = None,
    ) -> PersonRecord:
        """Say who a suggestion is: its faces become samples of that person.

        Args:
            suggestion_id: Which.
            label: Of somebody new.
            person_id: Of somebody known, instead.
            purpose: What they agreed to.
            until: Last day on which they are identified.
            faces: Some of the faces; None for all.
            request: As in `enroll`.
        """
        document = {
            "label": label,
            "person_id": person_id,
            "purpose": purpose,
            "until": None if until is None else str(until),
            "faces": None if faces is None else [*faces],
        }
        return self._edit(self._suggestions(suggestion_id, "name"), document, request)

    def forget_suggestion(self, suggestion_id: str) -> Forgotten:
        """Remove the faces of a suggestion with every byte of them."""
        gone: Forgotten = self._transport.ask("DELETE", self._suggestions(suggestion_id))
        return gone

    def forget_face(self, face_id: str) -> Forgotten:
        """Remove an unnamed face with every byte of it."""
        gone: Forgotten = self._transport.ask("DELETE", self._faces(face_id))
        return gone

    def forget_all_faces(self) -> Forgotten:
        """Remove every unnamed face with every byte of it, and which photos were looked at."""
        gone: Forgotten = self._transport.ask("DELETE", self._faces(), repeatable=True)
        return gone

    def move(self, face_id: str, person_id: str, *, request: str | None = None) -> PersonRecord:
        """Give a face, a sample or an unnamed one, to a person by hand."""
        return self._edit(self._faces(face_id, "move"), {"person_id": person_id}, request)

    def reject(self, face_id: str, *, person_id: str | None = None, suggestion_id: str | None = None) -> SampleRecord:
        """Say that a face is not a person's, or not that of the others in a suggestion."""
        document = {"person_id": person_id, "suggestion_id": suggestion_id}
        path = self._faces(face_id, "reject")
        face: SampleRecord = self._transport.ask("POST", path, document=document, repeatable=True)
        return face

    def edits(self) -> list[EditRecord]:
        """What was done by hand and can be undone, newest first."""
        found: Edits = self._transport.ask("GET", path_of("collections", self.collection, "edits"))
        return found["edits"]

    def undo(self, edit_id: int) -> EditRecord:
        """Undo the last edit; refused (409) where another one came after it."""
        path = path_of("collections", self.collection, "edits", str(edit_id))
        undone: EditRecord = self._transport.ask("DELETE", path)
        return undone

    def face_crop(self, face_id: str) -> bytes:
        """The picture of a face, a JPEG, where the collection keeps them."""
        return self._transport.fetch(self._faces(face_id, "crop"))

    def _suggestions(self, *below: str) -> str:
        return path_of("collections", self.collection, "suggestions", *below)

    def _faces(self, *below: str) -> str:
        return path_of("collections", self.collection, "faces", *below)
