"""Every word of the page, in one place, by where it stands; ``{name}`` is filled in where it is shown."""

from __future__ import annotations

from mien.render.words import reason_words

__all__ = ["WORDS", "reasons"]

_REASONS = (
    "blurred",
    "cut_off",
    "extreme_pose",
    "too_bright",
    "too_dark",
    "too_small",
    "uncalibrated",
    "undecided",
)


def reasons() -> dict[str, str]:
    """Reasons of decisions, in words."""
    return {reason: reason_words(reason) for reason in _REASONS}


WORDS: dict[str, dict[str, str]] = {
    "common": {
        "name": "Mien",
        "skip": "Skip to the content",
        "menu": "Menu",
        "collection": "Collection",
        "signed_in": "Signed in with",
        "sign_out": "Sign out",
        "close": "Close",
        "cancel": "Cancel",
        "working": "Looking…",
        "busy": "The service is busy; trying again in {seconds} s.",
        "gone": "The service cannot be reached. Is it still running?",
        "over": "Your session is over. Sign in again.",
        "none": "\N{EN DASH}",
        "and": ", ",
    },
    "views": {
        "recognise": "Recognise",
        "live": "Live",
        "enrol": "Enrol",
        "people": "People",
    },
    "roles": {"reader": "may look", "operator": "may enrol and erase", "admin": "may do everything"},
    "sign_in": {
        "title": "Sign in",
        "lead": "Faces at a stated error rate.",
        "key": "API key",
        "help": "The first start of mien serve prints an admin's key. An admin can give you one.",
        "submit": "Sign in",
        "refused": "That is no key of this service, or it was revoked or has expired.",
        "elsewhere": "This was not sent by a page of this service. Open it directly, and try again.",
    },
    "failed": {
        "title": "That did not work",
        "invalid": "The address or the form has something in it that cannot be.",
        "back": "Back to the start",
    },
    "welcome": {
        "title": "There is no collection yet",
        "lead": "A collection holds the people who are known in one place, such as a door or an album.",
        "label": "Name of the first one",
        "value": "main",
        "consent": "Nobody is enrolled without the purpose that they agreed to",
        "submit": "Make it",
        "ask": "Your key sees no collection. Ask an admin to make one, or to grant you one.",
    },
    "faces": {
        "unknown": "unknown",
        "match": "match",
        "refused": "not decided: {reasons}",
        "found": "face",
        "score": "Score",
        "threshold": "Needed for a name",
        "quality": "Quality of the face",
        "nearest": "Most like",
        "details": "Details",
        "of_hundred": "{value} of 100",
        "fpir": "Decided at a false positive identification rate of {rate} (95 % interval {low} to {high}): "
        "of faces of people who are not in this collection, about 1 in {each} would still be given a name.",
        "uncalibrated": "No calibration fits these faces, so that nobody is given a name.",
        "nobody": "Nobody is enrolled in this collection yet, so that everybody is unknown.",
        "one": "One face",
        "many": "{count} faces",
        "no_face": "No face was found. Faces have to be at least 24 pixels wide.",
    },
    "recognise": {
        "title": "Who is in this photo?",
        "lead": "Every face gets a name, or is unknown, at an error rate that you state. "
        "The photo is looked at and forgotten.",
        "drop": "Drop a photo here",
        "or": "paste one, or",
        "choose": "Choose a photo",
        "rate": "A stranger may be given a name",
        "picture": "The photo, with the faces that were found",
        "results": "Faces",
        "no_picture": "Your browser cannot show this kind of picture. Mien could read it.",
        "empty": "Nobody is enrolled here yet: everybody will be unknown.",
        "enrol": "Enrol the first person",
    },
    "rates": {"0.1": "1 time in 10", "0.01": "1 time in 100", "0.001": "1 time in 1,000"},
}
