"""A calibration is put to use, or taken out of use, where no collection loses the rates at which it decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from mien.errors import MienError, NotCalibrated, UnknownModel, UnsupportedErrorRate
from mien.recognition import comparison_type, pipeline_name
from mien.recognition.recognisers import DEFAULT
from mien.server.envelope import Refused

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.recognition import Calibration
    from mien.recognition.calibration import Probe
    from mien.server.access import ApiKey, Rules
    from mien.server.service import Service

__all__ = ["install", "losses", "pipeline_of", "reset", "served"]


def served(service: Service) -> dict[str, list[Gallery]]:
    """The collections of each pipeline; the default one is there without any."""
    found: dict[str, list[Gallery]] = {pipeline_name(DEFAULT): []}
    for name in service.galleries.names():
        gallery = service.galleries.opened(name)
        found.setdefault(pipeline_of(gallery), []).append(gallery)
    return found


def pipeline_of(gallery: Gallery) -> str:
    """The name of what finds and embeds faces for a collection, none of whose networks it takes."""
    with suppress(UnknownModel):
        return pipeline_name(gallery.space or DEFAULT)
    return pipeline_name(DEFAULT)


def install(
    service: Service, key: ApiKey, calibration: Calibration, *, collection: str | None = None, job_id: str | None = None
) -> None:
    """Let every collection of a calibration's pipeline decide by it, from the next request on.

    Args:
        service: Which.
        key: Who asks.
        calibration: Which.
        collection: Whose job fitted it; None where a file was sent.
        job_id: Which job.

    Raises:
        Refused: No collection has its pipeline, its name is another's, or a collection decides at rates that it does
            not support; nothing was changed.
    """
    pipelines = served(service)
    if calibration.pipeline not in pipelines:
        raise Refused(
            409,
            "another_pipeline",
            f"calibration {calibration.name!r}: expected one of a pipeline that collections here have "
            f"({', '.join(pipelines)}), got one of {calibration.pipeline}; fit it with their recogniser",
        )
    _check_name(service, calibration)

    def agreed() -> None:
        _check_losses(service, calibration, pipelines[calibration.pipeline])
        _note(service, key, "install_calibration", calibration)

    service.calibrations.install(calibration, key.key_id, collection, job_id, agreed)


def reset(service: Service, key: ApiKey, pipeline: str) -> None:
    """Let every collection of a pipeline decide by what it would without a calibration that was installed.

    Raises:
        Refused: A collection decides at rates that it does not support; nothing was changed.
        NotCalibrated: There is none but the one that is installed.
    """
    galleries, before = served(service).get(pipeline, []), service.calibrations.without(pipeline)
    if before is None:
        raise NotCalibrated(f"{pipeline}: there is no other calibration to go back to", pipeline=pipeline)

    def agreed() -> None:
        _check_losses(service, before, galleries)
        _note(service, key, "reset_calibration", before)

    service.calibrations.reset(pipeline, agreed)


def losses(service: Service, calibration: Calibration, galleries: list[Gallery]) -> Iterator[str]:
    """Why collections could not decide by a calibration as they do by the one in use; a line a collection."""
    now = service.calibrations.now(calibration.pipeline)
    for gallery in galleries:
        people, rules = max(1, gallery.size), service.galleries.rules(gallery.collection)
        for kind, comparison in _asked(gallery):
            refusal = _refusal(calibration, rules, people, kind, comparison)
            if refusal and now is not None and _refusal(now, rules, people, kind, comparison) is None:
                yield f"{gallery.collection}: {refusal}"
                break


def _asked(gallery: Gallery) -> Iterator[tuple[str, str]]:
    """Which comparisons a collection decides at which of its rates: those of its people, by their samples."""
    yield "fmr", "image-image"
    probes: tuple[Probe, ...] = ("image", "track")
    for samples in sorted(gallery.sample_counts or {1}):
        for probe in probes:
            yield "fpir", comparison_type(samples, probe=probe)
        yield "fmr", comparison_type(samples)


def _refusal(calibration: Calibration, rules: Rules, people: int, kind: str, comparison: str) -> str | None:
    try:
        if kind == "fmr":
            calibration.verification_threshold(comparison, rules.fmr)
        else:
            # A search answers of a type that nothing is known of with nobody, where a verification is refused.
            calibration.verification_threshold(comparison, 0.5)
            calibration.identification_threshold(rules.fpir, people, comparison)
    except (NotCalibrated, UnsupportedErrorRate) as error:
        return error.message
    return None


def _check_losses(service: Service, calibration: Calibration, galleries: list[Gallery]) -> None:
    lost = [*losses(service, calibration, galleries)]
    if lost:
        raise Refused(
            409,
            "operating_point_unsupported",
            f"calibration {calibration.name!r} does not support the rates at which collections decide; choose others "
            f"there first, or fit one to more people: {'; '.join(lost)}",
        )


def _check_name(service: Service, calibration: Calibration) -> None:
    """Decisions tell a calibration by its name."""
    others = [service.calibrations.now(calibration.pipeline)]
    with suppress(MienError):
        others.append(service.calibrations.without(calibration.pipeline))
    if any(other is not None and other.name == calibration.name and other != calibration for other in others):
        raise Refused(
            409,
            "name_taken",
            f"calibration {calibration.name!r}: another one of that name is in use, or was before, and decisions tell "
            "them by their names; send it with another name",
        )


def _note(service: Service, key: ApiKey, action: str, calibration: Calibration) -> None:
    population = calibration.population
    service.galleries.main.note_access(
        action, key.key_id, of_store=True, people=population.people, images=population.images
    )
