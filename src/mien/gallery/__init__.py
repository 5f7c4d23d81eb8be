"""Known people and people to be named: who they are, what they consented to, and who of them is in a photo."""

from mien.gallery.audit import AuditEntry, AuditReport
from mien.gallery.erasing import Erasure, Proof
from mien.gallery.gallery import Gallery
from mien.gallery.people import NOT_RECORDED, Enrolment, Person, Refusal
from mien.gallery.records import Edit, FaceRecord, Suggestion
from mien.gallery.reembed import Lost, Reembedded

__all__ = [
    "NOT_RECORDED",
    "AuditEntry",
    "AuditReport",
    "Edit",
    "Enrolment",
    "Erasure",
    "FaceRecord",
    "Gallery",
    "Lost",
    "Person",
    "Proof",
    "Reembedded",
    "Refusal",
    "Suggestion",
]
