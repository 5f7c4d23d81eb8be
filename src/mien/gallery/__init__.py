"""Known people and people to be named: who they are, what they consented to, and who of them is in a photo."""

from mien.gallery.audit import AuditEntry, AuditReport
from mien.gallery.auditing import Access
from mien.gallery.backup import Backup, back_up
from mien.gallery.erasing import CollectionErasure, Erasure, Proof
from mien.gallery.filters import And, Contains, Eq, In, Not, Or, Range
from mien.gallery.gallery import Gallery
from mien.gallery.moving import Moved
from mien.gallery.people import NOT_RECORDED, Enrolment, Person, Refusal
from mien.gallery.records import Edit, FaceRecord, Suggestion
from mien.gallery.reembed import Lost, Reembedded
from mien.gallery.restoring import Restored, restore
from mien.gallery.search import Found
from mien.gallery.searching import Capabilities, Page

__all__ = [
    "NOT_RECORDED",
    "Access",
    "And",
    "AuditEntry",
    "AuditReport",
    "Backup",
    "Capabilities",
    "CollectionErasure",
    "Contains",
    "Edit",
    "Enrolment",
    "Eq",
    "Erasure",
    "FaceRecord",
    "Found",
    "Gallery",
    "In",
    "Lost",
    "Moved",
    "Not",
    "Or",
    "Page",
    "Person",
    "Proof",
    "Range",
    "Reembedded",
    "Refusal",
    "Restored",
    "Suggestion",
    "back_up",
    "restore",
]
