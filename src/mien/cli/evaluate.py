"""``mien evaluate``: error rates on a data set, with intervals, as a report."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli._options import Commands, a_path, add_format, add_recogniser
from mien.cli._output import print_failures, print_json, print_progress, print_table, printable
from mien.errors import InputError, UnwritableFile

if TYPE_CHECKING:
    from mien.datasets import Record
    from mien.evaluation import Evaluation

__all__ = ["register", "run_compare", "run_identify", "run_leaks", "run_verify"]

NO_FACE = "no face"
PROTOCOLS = ("lfw", "lfw-dev", "lfw-all", "cfp-ff", "cfp-fp", "bin", "frll", "folder")

EPILOG = """\
protocols:
  lfw      pairs of View 2, fold by fold: pairs.txt beside a folder of images a person
  lfw-dev  test pairs of View 1: pairsDevTest.txt
  lfw-all  all comparisons of all images of Labeled Faces in the Wild
  cfp-ff   pairs of Celebrities in Frontal-Profile, frontal to frontal; cfp-fp: frontal to profile
  bin      pairs of an InsightFace .bin file (lfw.bin, cfp_fp.bin, agedb_30.bin, ...)
  frll     all comparisons of the Face Research Lab London set
  folder   all comparisons of a folder per person, such as your own

Mated comparisons weigh one per person: in LFW half of them are one man. The report is one HTML file; beside it stand
the same figures as JSON and, for comparing two systems, the scores, without templates. It shows the images that went
wrong: --no-images leaves them and their names out, so that it may be shared.

examples:
  mien evaluate verify lfw --root lfw/ --output lfw.html
  mien evaluate verify folder --root people/ --output people.html --no-images
  mien evaluate identify folder --root people/ --output search.html
"""


COMPARE_EPILOG = """\
Both systems see the same draws of people, so that what is hard for both does not count. An interval that lies below
zero says that the second is better beyond chance, one that holds zero that these images cannot tell them apart.

examples:
  mien evaluate verify lfw-all --root lfw/ --output sface.html
  mien evaluate verify lfw-all --root lfw/ --recogniser dlib --output dlib.html
  mien evaluate compare dlib.npz sface.npz
"""


LEAKS_EPILOG = """\
A copy is found though it was compressed, scaled, made brighter or grey, blurred, mirrored, cropped or shifted by up to
some 15 %, or turned by up to some 10 degrees. The exit status is 3 where anything is on both sides, or an image could
not be read.

examples:
  mien evaluate leaks training/ test/
  mien evaluate leaks training/ test/ --people
"""
MOST_LINES = 40


def register(commands: Commands) -> None:
    """Add the command and its verbs to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure error rates on a data set",
        description="Measure error rates on a data set, with intervals, and write a report.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, run, text in (
        ("verify", run_verify, "compare pairs: false matches and false non-matches"),
        ("identify", run_identify, "search galleries of several sizes, for people in them and not in them"),
    ):
        verb = verbs.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_arguments(verb)
        if name == "verify":
            verb.add_argument(
                "--groups", type=a_path, metavar="FILE", help="a CSV table of people's groups: rates are told by group"
            )
        verb.set_defaults(run=run, verb=name)
    leaks = verbs.add_parser(
        "leaks",
        help="what two sides of a split share",
        description="Find people, images and copies of images that stand on both sides of a split.",
        epilog=LEAKS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    leaks.add_argument("first", type=a_path, metavar="FIRST", help="a folder of images, such as what was trained on")
    leaks.add_argument("second", type=a_path, metavar="SECOND", help="another, such as what is to judge")
    leaks.add_argument(
        "--people", action="store_true", help="the folders hold a folder per person: nobody may be on both sides either"
    )
    add_format(leaks, "table", "json")
    leaks.set_defaults(run=run_leaks)
    compare = verbs.add_parser(
        "compare",
        help="whether one system is better than another on the same images",
        description="The second system's false non-match rate less the first's, at each false match rate.",
        epilog=COMPARE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("first", type=a_path, metavar="FIRST", help="scores beside a report (*.npz)")
    compare.add_argument("second", type=a_path, metavar="SECOND", help="those of another system, of the same images")
    compare.add_argument("--seed", type=a_seed, default=0, metavar="N", help="of the draws of people (default: 0)")
    add_format(compare, "table", "json")
    compare.set_defaults(run=run_compare)


def _add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("protocol", choices=PROTOCOLS, help="what to evaluate on")
    verb.add_argument("--root", type=a_path, required=True, metavar="DIR", help="where the data set lies, as published")
    verb.add_argument("--images", metavar="NAME", help="its folder of images, where it has several")
    verb.add_argument("--output", type=a_path, metavar="FILE", help="write the report here (*.html)")
    verb.add_argument("--no-images", action="store_true", help="show nobody in the report, and name nobody")
    verb.add_argument("--seed", type=a_seed, default=0, metavar="N", help="of everything drawn (default: 0)")
    add_recogniser(verb)
    add_format(verb, "table", "json")


def a_seed(text: str) -> int:
    """An argparse type: a whole number from 0."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got {text!r}")
    return int(text)


def run_verify(arguments: argparse.Namespace) -> int:
    """One-to-one."""
    _check_output(arguments.output)
    from mien.evaluation import evaluate_verification

    evaluation = evaluate_verification(
        arguments.protocol,
        arguments.root,
        images=arguments.images,
        recogniser=arguments.recogniser or "sface",
        groups=arguments.groups,
        seed=arguments.seed,
        command=_command(arguments),
        progress=_progress,
    )
    return _finish(arguments, evaluation)


def run_identify(arguments: argparse.Namespace) -> int:
    """One-to-many."""
    _check_output(arguments.output)
    from mien.evaluation import evaluate_identification

    evaluation = evaluate_identification(
        arguments.protocol,
        arguments.root,
        images=arguments.images,
        recogniser=arguments.recogniser or "sface",
        seed=arguments.seed,
        command=_command(arguments),
        progress=_progress,
    )
    return _finish(arguments, evaluation)


def run_compare(arguments: argparse.Namespace) -> int:
    """Paired difference of two evaluations."""
    from mien.evaluation import compare, load_scores

    first, second = load_scores(arguments.first), load_scores(arguments.second)
    rows = compare(first, second, seed=arguments.seed)
    names = [saved.provenance["pipeline"] for saved in (first, second)]
    if arguments.format == "json":
        differences = [{"fmr": rate, **asdict(difference)} for rate, difference in rows]
        document = {"first": first.provenance, "second": second.provenance, "fnmr_differences": differences}
        print_json({"schema": "mien.comparison/1", **document})
        return 0
    print(f"first:  {printable(names[0])}\nsecond: {printable(names[1])}")
    table = [
        (f"{rate:g}", f"{100 * d.value:+.2f}", f"{100 * d.low:+.2f} to {100 * d.high:+.2f}", _verdict(d.low, d.high))
        for rate, d in rows
    ]
    print_table(["FMR", "FNMR, second less first, points", "95 % interval", ""], table)
    return 0


def run_leaks(arguments: argparse.Namespace) -> int:
    """What two folders share."""
    from mien.datasets import find_leaks

    sides = [_records(folder, people=arguments.people) for folder in (arguments.first, arguments.second)]
    total = sum(map(len, sides))
    report = find_leaks(*sides, progress=lambda done: print_progress(done, total, "images"))
    if arguments.format == "json":
        print_json(report.to_dict())
    else:
        print(f"{report.first:,} images against {report.second:,}")
        for leak in report.leaks[:MOST_LINES]:
            how = "" if leak.similarity is None or leak.kind == "identical" else f"  {leak.similarity:.2f}"
            print(f"  {leak.kind:<14}  {printable(leak.first)}  {printable(leak.second)}{how}")
        if len(report.leaks) > MOST_LINES:
            print(f"  and {len(report.leaks) - MOST_LINES:,} more: --format json")
        print(", ".join(f"{number:,} {kind}" for kind, number in report.counts.items()))
    print_failures(report.unreadable, total)
    return InputError.exit_status if report.leaks or report.unreadable else 0


def _records(folder: Path, *, people: bool) -> list[Record]:
    from mien.datasets import Record, read_folder
    from mien.media import list_images

    if people:
        return list(read_folder(folder))
    return [Record(None, path.relative_to(folder).as_posix(), path) for path in list_images(folder)]


def _verdict(low: float, high: float) -> str:
    if high < 0:
        return "second better"
    return "first better" if low > 0 else "cannot tell"


def _command(arguments: argparse.Namespace) -> str:
    """What makes the report again, without telling where files lie on this machine."""
    words = ["mien", "evaluate", arguments.verb, arguments.protocol, "--root", Path(arguments.root).name or "."]
    for option, value in (("--images", arguments.images), ("--recogniser", arguments.recogniser)):
        words += [] if value is None else [option, value]
    words += ["--seed", str(arguments.seed)] if arguments.seed else []
    words += ["--groups", arguments.groups.name] if getattr(arguments, "groups", None) else []
    words += ["--output", arguments.output.name] if arguments.output else []
    return shlex.join(words + (["--no-images"] if arguments.no_images else []))


def _check_output(output: Path | None) -> None:
    """Refuse before a long run what would fail at its end.

    Raises:
        UnwritableFile: It cannot become a report with its figures beside it.
        RuntimeUnavailable: The plots need an extra that is not installed.
    """
    if output is None:
        return
    from mien.render import require_plots

    require_plots()
    if output.suffix.lower() not in {".html", ".htm"}:
        raise UnwritableFile(f"{output}: expected a name like report.html; JSON and scores stand beside it")
    if not output.parent.is_dir():
        raise UnwritableFile(f"{output}: no such folder: {output.parent}; make it, or name another")


def _progress(done: int, total: int) -> None:
    print_progress(done, total, "images")


def _finish(arguments: argparse.Namespace, evaluation: Evaluation) -> int:
    from mien.render import evaluation_to_dict

    document = evaluation_to_dict(evaluation)
    if arguments.output is not None:
        _write(arguments.output, evaluation, document, pictures=not arguments.no_images)
    if arguments.format == "json":
        print_json(document)
    else:
        _print(evaluation)
        if arguments.output is not None:
            print(f"\nreport: {printable(arguments.output)}")
    reasons = evaluation.samples.reasons.values()
    return InputError.exit_status if any(reason != NO_FACE for reason in reasons) else 0


def _write(output: Path, evaluation: Evaluation, document: dict[str, Any], *, pictures: bool) -> None:
    from mien.evaluation import save_scores
    from mien.media import write_bytes
    from mien.render import write_evaluation_report

    write_evaluation_report(output, evaluation, pictures=pictures)
    write_bytes(output.with_suffix(".json"), (json.dumps(document, indent=1) + "\n").encode("ascii"))
    save_scores(output.with_suffix(".npz"), evaluation)


def _print(evaluation: Evaluation) -> None:
    from mien.evaluation import Verification
    from mien.render.words import interval, share

    trace, result = evaluation.provenance, evaluation.result
    print(f"{trace.title}: {trace.captures:,} captures, failure to acquire {interval(evaluation.failure_to_acquire)}")
    if isinstance(result, Verification):
        print(f"{result.mated_total:,} mated and {result.non_mated_total:,} non-mated comparisons")
        if result.folds is not None:
            print(f"accuracy {result.folds.mean:.4f} +- {result.folds.standard_error:.4f} (standard error over folds)")
        if result.eer is not None:
            print(f"equal error rate {share(result.eer)}")
        print_table(
            ["FMR at most", "threshold", "FMR", "FNMR"],
            [(share(p.target), f"{p.threshold:.4f}", interval(p.fmr), interval(p.fnmr)) for p in result.points],
        )
        for table in result.groups:
            print(f"\nby {printable(table.attribute)}, at the threshold {table.threshold:.4f}")
            print_table(
                ["group", "people", "FMR", "FNMR"],
                [
                    (one.group, one.people, *("" if rate is None else interval(rate) for rate in (one.fmr, one.fnmr)))
                    for one in table.groups
                ],
            )
            if table.exceeding:
                print(f"above the rate of all by more than its interval: {printable(', '.join(table.exceeding))}")
    else:
        print(f"{result.people:,} people, {result.mated:,} with a second image; rank-1 of all {result.cmc[0]:.1%}")
        print_table(
            ["gallery", "FPIR at most", "threshold", "FPIR", "FNIR"],
            [
                (f"{p.size:,}", share(p.target), f"{p.threshold:.4f}", interval(p.fpir), interval(p.fnir))
                for p in result.points
            ],
        )
