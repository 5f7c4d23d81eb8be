"""How far a face can be trusted: component measures named after ISO/IEC 29794-5, a unified score, and reasons."""

from mien.quality.assessment import assess
from mien.quality.examination import Examination, Measured, examine
from mien.quality.maps import COMPONENTS, Component
from mien.quality.policy import ENROLMENT, IDENTIFICATION, Policy, reasons
from mien.quality.portrait import PORTRAIT, Limit, portrait_reasons
from mien.quality.pose import head_pose

__all__ = [
    "COMPONENTS",
    "ENROLMENT",
    "IDENTIFICATION",
    "PORTRAIT",
    "Component",
    "Examination",
    "Limit",
    "Measured",
    "Policy",
    "assess",
    "examine",
    "head_pose",
    "portrait_reasons",
    "reasons",
]
