"""`Faces`: images are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mien.client.documents import Comparison, ExpressionsFound, FacesFound, Neighbours
from mien.client.part import Part
from mien.client.transport import Field, Upload, path_of, uploaded

__all__ = ["Faces"]


class Faces(Part):
    """Detection, verification, identification and search."""

    def detect(self, image: Upload, *, templates: bool = False) -> FacesFound:
        """The faces of an image.

        Args:
            image: The image.
            templates: Also the numbers that each face is recognised by, for `search`.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        fields: list[Field] = [("image", uploaded(image)), ("templates", str(templates).lower())]
        found: FacesFound = self._transport.ask("POST", "/detect", fields=fields, repeatable=True)
        return found

    def expression(self, image: Upload, *, labels: str = "fer2013", model: str = "small") -> ExpressionsFound:
        """What each face of an image seems to express; not what somebody feels.

        Args:
            image: The image.
            labels: Whose labels are foretold, ``"fer2013"`` or ``"ferplus"``.
            model: ``"small"``, or ``"accurate"``, which takes many times as long a face.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        fields: list[Field] = [("image", uploaded(image)), ("labels", labels), ("model", model)]
        found: ExpressionsFound = self._transport.ask("POST", "/expression", fields=fields, repeatable=True)
        return found

    def verify(self, first: Upload, second: Upload, *, fmr: float = 1e-4) -> Comparison:
        """Whether the largest faces of two images are one person's.

        Args:
            first: An image.
            second: Another one.
            fmr: False match rate to decide at.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        fields: list[Field] = [("first", uploaded(first, "first")), ("second", uploaded(second, "second"))]
        fields.append(("fmr", str(fmr)))
        said: Comparison = self._transport.ask("POST", "/verify", fields=fields, repeatable=True)
        return said

    def verify_person(self, person_id: str, image: Upload, *, fmr: float | None = None) -> Comparison:
        """Whether the largest face of an image is a person's.

        Args:
            person_id: Who is claimed to be in it.
            image: The image.
            fmr: False match rate to decide at; None for the collection's.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: There is nobody of that key (404), or the service did not answer.
        """
        fields: list[Field] = [("image", uploaded(image)), *([] if fmr is None else [("fmr", str(fmr))])]
        path = path_of("collections", self.collection, "people", person_id, "verify")
        said: Comparison = self._transport.ask("POST", path, fields=fields, repeatable=True)
        return said

    def search(
        self,
        templates: Iterable[Iterable[float]],
        *,
        space: str,
        k: int = 5,
        threshold: float = -1.0,
        where: Mapping[str, Any] | None = None,
    ) -> Neighbours:
        """The people most like each template; nothing is decided.

        Args:
            templates: Of unit length, as `detect` gives them.
            space: Their embedding space.
            k: How many people for each.
            threshold: Lowest score.
            where: Whom to search, such as ``{"field": "purpose", "value": "front door"}``.

        Raises:
            ServiceError: They cannot be compared (409, 422), or the service did not answer.
        """
        rows = [[float(number) for number in template] for template in templates]
        asked = {"space": space, "templates": rows, "k": k, "threshold": threshold, "where": where}
        path = path_of("collections", self.collection, "search")
        found: Neighbours = self._transport.ask("POST", path, document=asked, repeatable=True)
        return found

    def identify(
        self,
        image: Upload,
        *,
        fpir: float | None = None,
        candidates: int = 5,
        max_faces: int = 100,
        require: str | None = None,
    ) -> FacesFound:
        """Who of the collection is in an image.

        Args:
            image: The image.
            fpir: False positive identification rate to decide at; None for the collection's.
            candidates: How many of the most alike are told for each face.
            max_faces: How many of the largest faces to search for; the others are ``unsearched``.
            require: What a face must be beyond what every face is asked, such as ``"quality=medium"``; one that falls
                short is unknown, with the reasons.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        given = {"fpir": fpir, "candidates": candidates, "max_faces": max_faces, "require": require}
        fields: list[Field] = [("image", uploaded(image))]
        fields += [(name, str(value)) for name, value in given.items() if value is not None]
        path = path_of("collections", self.collection, "identify")
        found: FacesFound = self._transport.ask("POST", path, fields=fields, repeatable=True)
        return found
