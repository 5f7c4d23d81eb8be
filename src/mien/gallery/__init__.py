"""Known people: who they are, what they consented to, and who of them is in a photo."""

from mien.gallery.gallery import Gallery
from mien.gallery.people import NOT_RECORDED, Enrolment, Person, Refusal

__all__ = ["NOT_RECORDED", "Enrolment", "Gallery", "Person", "Refusal"]
