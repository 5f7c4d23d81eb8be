"""How far a face can be trusted: component measures named after ISO/IEC 29794-5, a unified score, and reasons."""

from mien.quality.assessment import assess
from mien.quality.examination import Examination, Measured, examine
from mien.quality.gate import OPEN, Gate, Require
from mien.quality.maps import COMPONENTS, Component
from mien.quality.policy import ENROLMENT, IDENTIFICATION, Policy, reasons
from mien.quality.portrait import PORTRAIT, Limit, portrait_reasons
from mien.quality.pose import head_pose
from mien.quality.utility import Utility, fit_utility, load_utility

__all__ = [
    "COMPONENTS",
    "ENROLMENT",
    "IDENTIFICATION",
    "OPEN",
    "PORTRAIT",
    "Component",
    "Examination",
    "Gate",
    "Limit",
    "Measured",
    "Policy",
    "Require",
    "Utility",
    "assess",
    "examine",
    "fit_utility",
    "head_pose",
    "load_utility",
    "portrait_reasons",
    "reasons",
]
