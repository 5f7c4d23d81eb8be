"""`Faces`: images are looked at."""

from __future__ import annotations

from mien.client.documents import Comparison, FacesFound
from mien.client.part import Part
from mien.client.transport import Field, Upload, path_of, uploaded

__all__ = ["Faces"]


class Faces(Part):
    """Detection, verification and identification."""

    def detect(self, image: Upload) -> FacesFound:
        """The faces of an image.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        fields = [("image", uploaded(image))]
        found: FacesFound = self._transport.ask("POST", "/detect", fields=fields, repeatable=True)
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

    def identify(self, image: Upload, *, fpir: float = 0.01, candidates: int = 5) -> FacesFound:
        """Who of the collection is in an image.

        Args:
            image: The image.
            fpir: False positive identification rate to decide at.
            candidates: How many of the most alike are told for each face.

        Raises:
            UnreadableImage: There is no such file.
            ServiceError: The service refused, or did not answer.
        """
        found: FacesFound = self._transport.ask(
            "POST",
            path_of("collections", self.collection, "identify"),
            fields=[("image", uploaded(image)), ("fpir", str(fpir)), ("candidates", str(candidates))],
            repeatable=True,
        )
        return found
