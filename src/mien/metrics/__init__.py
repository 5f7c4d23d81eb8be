"""Error rates with the intervals the data can carry: pure NumPy, exact, no loop over scores.

Terms are those of ISO/IEC 2382-37 and 19795-1: *mated* scores compare one person with themselves, *non-mated* scores
two people; a score at or above the threshold is a match. A face that could not be found scores minus infinity.
"""

from mien.metrics.bands import det_bands
from mien.metrics.bootstrap import (
    Difference,
    OperatingPoint,
    bootstrap_difference,
    bootstrap_fmr,
    bootstrap_fnmr_at_fmr,
    operating_point,
)
from mien.metrics.classification import (
    accuracy,
    balanced_accuracy,
    bootstrap_by_subject,
    calibration_error,
    class_f1,
    class_precision,
    class_recall,
    confusion,
    macro_f1,
    weighted_f1,
)
from mien.metrics.clustering import BCubed, bcubed, pairwise
from mien.metrics.det import DetCurve, det, eer
from mien.metrics.discard import DiscardCurve, bootstrap_area_difference, discard_curve, pair_quality
from mien.metrics.dyadic import Weigh, estimate_fmr, estimate_fnmr, mated_weights, predict_fmr
from mien.metrics.failures import (
    FailurePolicy,
    apply_failures,
    false_accept_rate,
    false_reject_rate,
    fta,
    fte,
    generalised_false_accept_rate,
    generalised_false_reject_rate,
)
from mien.metrics.groups import (
    GroupRates,
    exceeding,
    fdr,
    garbe,
    group_rates,
    ratio_to_geometric_mean,
    ratio_to_lowest,
)
from mien.metrics.histogram import Histogram
from mien.metrics.identification import cmc, fnir, fpir, mate_ranks, threshold_at_fpir
from mien.metrics.intervals import Rate, estimate, is_supported, rule_of_three, wilson
from mien.metrics.pairs import PairScores, all_pairs, cross_pairs, scored_pairs
from mien.metrics.searches import Searches, all_searches
from mien.metrics.tracking import IdentityF1, identity_f1
from mien.metrics.verification import (
    allowed_errors,
    d_prime,
    fmr,
    fnmr,
    fnmr_at_fmr,
    lowest_supported_fmr,
    threshold_at_fmr,
    tmr_at_fmr,
)

__all__ = [
    "BCubed",
    "DetCurve",
    "Difference",
    "DiscardCurve",
    "FailurePolicy",
    "GroupRates",
    "Histogram",
    "IdentityF1",
    "OperatingPoint",
    "PairScores",
    "Rate",
    "Searches",
    "Weigh",
    "accuracy",
    "all_pairs",
    "all_searches",
    "allowed_errors",
    "apply_failures",
    "balanced_accuracy",
    "bcubed",
    "bootstrap_area_difference",
    "bootstrap_by_subject",
    "bootstrap_difference",
    "bootstrap_fmr",
    "bootstrap_fnmr_at_fmr",
    "calibration_error",
    "class_f1",
    "class_precision",
    "class_recall",
    "cmc",
    "confusion",
    "cross_pairs",
    "d_prime",
    "det",
    "det_bands",
    "discard_curve",
    "eer",
    "estimate",
    "estimate_fmr",
    "estimate_fnmr",
    "exceeding",
    "false_accept_rate",
    "false_reject_rate",
    "fdr",
    "fmr",
    "fnir",
    "fnmr",
    "fnmr_at_fmr",
    "fpir",
    "fta",
    "fte",
    "garbe",
    "generalised_false_accept_rate",
    "generalised_false_reject_rate",
    "group_rates",
    "identity_f1",
    "is_supported",
    "lowest_supported_fmr",
    "macro_f1",
    "mate_ranks",
    "mated_weights",
    "operating_point",
    "pair_quality",
    "pairwise",
    "predict_fmr",
    "ratio_to_geometric_mean",
    "ratio_to_lowest",
    "rule_of_three",
    "scored_pairs",
    "threshold_at_fmr",
    "threshold_at_fpir",
    "tmr_at_fmr",
    "weighted_f1",
    "wilson",
]
