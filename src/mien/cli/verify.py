"""``mien verify``: do two images show the same person?"""

from __future__ import annotations

import argparse
import math

from mien.cli._options import Commands, a_path, add_format, add_recogniser, chosen_pipeline, error_rate
from mien.cli._output import compared, print_json, printable

__all__ = ["register", "run"]

NO_MATCH = 1

EPILOG = """\
Compares the largest face of each image. Exit status: 0 match, 1 no match.

example:
  mien verify passport.jpg selfie.jpg --fmr 1e-4
"""


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "verify",
        help="compare the faces of two images",
        description="Decide whether two images show the same person, at a stated false match rate.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", type=a_path, metavar="IMAGE_A")
    parser.add_argument("b", type=a_path, metavar="IMAGE_B")
    parser.add_argument(
        "--fmr", type=error_rate, default=1e-4, metavar="RATE", help="false match rate to decide at (default: 1e-4)"
    )
    add_recogniser(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the decision."""
    import mien

    decision = mien.verify(arguments.a, arguments.b, fmr=arguments.fmr, pipeline=chosen_pipeline(arguments))
    if arguments.format == "json":
        from mien.render import decision_to_dict

        sources = [str(arguments.a), str(arguments.b)]
        print_json({"schema": "mien.verification/1", "sources": sources, "decision": decision_to_dict(decision)})
    else:
        print("match" if decision.match else "no match")
        print(f"  {compared(decision)}")
        if math.isfinite(decision.threshold):
            low, high = decision.interval
            print(f"  at a false match rate of {decision.rate:g} (95 % interval {low:.1g} to {high:.1g})")
        if decision.reasons:
            print(f"  reasons: {printable(', '.join(decision.reasons))}")
    return 0 if decision.match else NO_MATCH
