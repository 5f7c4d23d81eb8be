"""An active check for presentation attacks: somebody is asked to turn, blink and smile."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Path, UploadFile

from mien.server.challenges import Session
from mien.server.documents.challenges import ChallengeRecord, NewChallenge
from mien.server.envelope import Refused, not_found
from mien.server.routes.parts import Identifier, Serving, problems, several_images
from mien.server.service import Service

__all__ = ["router"]

router = APIRouter(prefix="/challenges", tags=["challenges"], responses=problems(404))

ChallengeId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


@router.post("", status_code=201, responses=problems(400))
def begin_challenge(key: Identifier, service: Serving, new: NewChallenge) -> ChallengeRecord:
    """Begin a challenge: its steps are drawn now, told one by one, and forgotten after a minute.

    What it cannot tell: a mask worn by a person who does as asked, and a face drawn over somebody's as they move.
    Nothing was tested with real attack instruments, so that no error rate is stated.
    """
    made = service.challenges.begin(key.key_id, new.steps)
    if made is None:
        raise Refused(503, "busy", "too many challenges are under way; come back in 10 s", {"Retry-After": "10"})
    return _record(service, made)


@router.get("/{challenge_id}")
def show_challenge(key: Identifier, service: Serving, challenge_id: ChallengeId) -> ChallengeRecord:
    """How far a challenge is."""
    return _record(service, _found(service, key.key_id, challenge_id))


@router.post("/{challenge_id}/frames", responses=problems(400, 404))
async def answer_challenge(
    key: Identifier,
    service: Serving,
    challenge_id: ChallengeId,
    image_file: Annotated[UploadFile, File(alias="image")],
) -> ChallengeRecord:
    """Show a picture of now, several a second; its time is that at which it arrives. No picture is kept."""
    session = _found(service, key.key_id, challenge_id)
    (source,) = await several_images(service, [image_file])
    moment = service.challenges.clock()

    def call() -> ChallengeRecord:
        over = session.progress.outcome is not None
        done = session.see(moment, source, max_pixels=service.settings.max_pixels)
        if done.outcome is not None and not over:
            service.galleries.main.note_access("challenge", key.key_id, of_store=True)
        return _record(service, session)

    return await service.work.run(call, key.key_id)


@router.delete("/{challenge_id}", status_code=204)
def end_challenge(key: Identifier, service: Serving, challenge_id: ChallengeId) -> None:
    """Forget a challenge."""
    service.challenges.remove(_found(service, key.key_id, challenge_id))


def _found(service: Service, holder: str, challenge_id: str) -> Session:
    found = service.challenges.find(holder, challenge_id)
    if found is None:
        raise not_found(f"challenge {challenge_id}")
    return found


def _record(service: Service, session: Session) -> ChallengeRecord:
    progress = session.progress
    return ChallengeRecord(
        challenge_id=session.challenge_id,
        steps=session.steps,
        step=progress.step,
        done=[*progress.done],
        outcome=progress.outcome,
        reasons=[*progress.reasons],
        seconds_left=round(max(0.0, session.ends - service.challenges.clock()), 1),
    )
