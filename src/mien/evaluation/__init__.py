"""Protocols brought through a pipeline: error rates with intervals, and what they rest on."""

from mien.evaluation.evaluation import Evaluation, evaluate_identification, evaluate_verification
from mien.evaluation.folds import FoldAccuracy, fold_accuracy
from mien.evaluation.groups import GroupTable
from mien.evaluation.identification import GalleryCurve, Identification, SearchPoint, identify_all
from mien.evaluation.pair_list import PairList, index_pairs
from mien.evaluation.provenance import Provenance, trace
from mien.evaluation.quality import Discard
from mien.evaluation.samples import Samples, embed
from mien.evaluation.saved import Saved, compare, load_scores, save_scores
from mien.evaluation.verification import StatedRate, Verification, verify_all, verify_pairs
from mien.evaluation.worst import Mistake

__all__ = [
    "Discard",
    "Evaluation",
    "FoldAccuracy",
    "GalleryCurve",
    "GroupTable",
    "Identification",
    "Mistake",
    "PairList",
    "Provenance",
    "Samples",
    "Saved",
    "SearchPoint",
    "StatedRate",
    "Verification",
    "compare",
    "embed",
    "evaluate_identification",
    "evaluate_verification",
    "fold_accuracy",
    "identify_all",
    "index_pairs",
    "load_scores",
    "save_scores",
    "trace",
    "verify_all",
    "verify_pairs",
]
