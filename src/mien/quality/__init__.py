"""How far a face can be trusted: component measures named after ISO/IEC 29794-5, a unified score, and reasons."""

from mien.quality.assessment import assess
from mien.quality.policy import ENROLMENT, IDENTIFICATION, Policy, reasons
from mien.quality.pose import head_pose

__all__ = ["ENROLMENT", "IDENTIFICATION", "Policy", "assess", "head_pose", "reasons"]
