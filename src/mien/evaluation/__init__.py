"""Protocols brought through a pipeline: error rates with intervals, and what they rest on."""

from mien.evaluation.evaluation import Evaluation
from mien.evaluation.folds import FoldAccuracy, fold_accuracy
from mien.evaluation.identification import GalleryCurve, Identification, SearchPoint, identify_all
from mien.evaluation.provenance import Provenance, trace
from mien.evaluation.samples import Samples, embed
from mien.evaluation.verification import StatedRate, Verification, verify_all, verify_pairs
from mien.evaluation.worst import Mistake

__all__ = [
    "Evaluation",
    "FoldAccuracy",
    "GalleryCurve",
    "Identification",
    "Mistake",
    "Provenance",
    "Samples",
    "SearchPoint",
    "StatedRate",
    "Verification",
    "embed",
    "fold_accuracy",
    "identify_all",
    "trace",
    "verify_all",
    "verify_pairs",
]
