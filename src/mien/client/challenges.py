"""`Challenges`: is somebody there who does as asked?"""

from __future__ import annotations

from mien.client.documents import ChallengeRecord
from mien.client.part import Part
from mien.client.transport import Upload, path_of, uploaded

__all__ = ["Challenges"]


class Challenges(Part):
    """An active check for presentation attacks; every method raises `mien.errors.ServiceError`."""

    def begin_challenge(self, steps: int = 3) -> ChallengeRecord:
        """Begin one: what is asked is drawn now, and told step by step.

        Args:
            steps: How many things are asked, 2 to 8.
        """
        made: ChallengeRecord = self._transport.ask("POST", "/challenges", document={"steps": steps})
        return made

    def challenge(self, challenge_id: str) -> ChallengeRecord:
        """How far it is."""
        found: ChallengeRecord = self._transport.ask("GET", path_of("challenges", challenge_id))
        return found

    def answer_challenge(self, challenge_id: str, image: Upload) -> ChallengeRecord:
        """Show a picture of now, several a second.

        Args:
            challenge_id: Which one.
            image: The picture.

        Raises:
            UnreadableImage: There is no such file.
        """
        path = path_of("challenges", challenge_id, "frames")
        done: ChallengeRecord = self._transport.ask("POST", path, fields=[("image", uploaded(image))])
        return done

    def end_challenge(self, challenge_id: str) -> None:
        """Forget it."""
        self._transport.ask("DELETE", path_of("challenges", challenge_id))
