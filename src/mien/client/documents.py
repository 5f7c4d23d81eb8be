"""What the service answers; written by ``make docs`` from its OpenAPI document, and compared with it by a test."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "AuditLine",
    "AuditPage",
    "AuditVerification",
    "CalibrationInUse",
    "CalibrationRecord",
    "CalibrationsInUse",
    "ChallengeRecord",
    "CollectionErased",
    "CollectionRecord",
    "Collections",
    "Comparison",
    "ComparisonPoint",
    "Deliveries",
    "DeliveryRecord",
    "EditRecord",
    "Edits",
    "Enrolled",
    "Erased",
    "EventRecord",
    "Events",
    "Expression",
    "ExpressionsFound",
    "FacesFound",
    "Forgotten",
    "Health",
    "ImageSize",
    "InstalledRecord",
    "JobFile",
    "JobProblem",
    "JobRecord",
    "JobResult",
    "Jobs",
    "KeyIssued",
    "KeyRecord",
    "Keys",
    "ModelRecord",
    "Models",
    "Neighbour",
    "Neighbours",
    "OperatingPoint",
    "OtherCalibration",
    "PeoplePage",
    "PersonRecord",
    "PopulationRecord",
    "RefusedImage",
    "Rules",
    "SampleRecord",
    "Samples",
    "SearchPoint",
    "SearchResult",
    "StreamRecord",
    "Streams",
    "SuggestionRecord",
    "Suggestions",
    "Unsearched",
    "WebhookMade",
    "WebhookRecord",
    "Webhooks",
]


class AuditLine(TypedDict):
    """A line of the audit log; see `mien.gallery.AuditEntry`.

    Attributes:
        subject: keyed hash of whom it concerns; null for nobody in particular
        collection: keyed hash of the collection's name; null where it concerns none
        actor: id of the key that did it
    """

    sequence: int
    time: str
    action: str
    subject: str | None
    collection: str | None
    details: dict[str, int]
    level: str | None
    previous: str
    actor: NotRequired[str | None]
    hash: str
    signature: str | None


class AuditPage(TypedDict):
    """Who did what to whom, without saying whom.

    Attributes:
        next: where the next page begins: its `after`; null after the last line
    """

    entries: list[AuditLine]
    next: int | None


class AuditVerification(TypedDict):
    """Whether the log is whole: no line changed, left out or put in.

    Attributes:
        head: hash of the last line, to be kept elsewhere
        public_key: Ed25519, 64 hexadecimal digits; null where lines are not signed
    """

    sound: bool
    entries: int
    head: str | None
    problems: list[str]
    public_key: str | None


class CalibrationInUse(TypedDict):
    """What every collection of a pipeline decides by.

    Attributes:
        name: what decisions call it; null where nobody ever calibrated the pipeline
        source: `installed` over this service, `file` of `mien calibrate` on its machine, or `shipped` with Mien
        without: what a reset brings back
        collections: that decide by it
    """

    pipeline: str
    name: str | None
    source: Literal["installed", "file", "shipped"] | None
    population: PopulationRecord | None
    installed: InstalledRecord | None
    without: OtherCalibration | None
    collections: list[str]


class CalibrationRecord(TypedDict):
    """What decisions of a collection rest on.

    Attributes:
        people: size of the collection, on which supported rates of searches depend
        lowest_fpir: that can be asked for; null where none can
        comparisons: by comparison type
    """

    name: str
    pipeline: str
    space: str
    population: PopulationRecord
    people: int
    lowest_fpir: float | None
    lowest_fmr: float | None
    comparisons: dict[str, list[ComparisonPoint]]


class CalibrationsInUse(TypedDict):
    """One a pipeline."""

    calibrations: list[CalibrationInUse]


class ChallengeRecord(TypedDict):
    """How far a challenge is.

    Attributes:
        step: what is asked now: `turn_left`, `turn_right` (the subject's own), `blink` or `smile`; null while the face
            is to be at rest, and at the end
        outcome: `live`, `attack` or `uncertain`; null before the end. Not tested with real attacks
        seconds_left: until it is forgotten
    """

    challenge_id: str
    steps: int
    step: str | None
    done: list[str]
    outcome: str | None
    reasons: list[str]
    seconds_left: float


class CollectionErased(TypedDict):
    """What the erasure of a collection did.

    Attributes:
        faces: samples, and faces without a name
        elsewhere: other collections with the same images, of those that the key may see
        keys: other API keys that were granted it, and are no more
        keys_revoked: those of them that were granted nothing else
    """

    collection: str
    people: int
    faces: int
    level: str
    entry: dict[str, Any]
    proof: dict[str, Any] | None
    elsewhere: list[str]
    keys: int
    keys_revoked: int


class CollectionRecord(TypedDict):
    """A collection."""

    name: str
    consent_required: bool
    crops: bool
    fpir: float
    fmr: float
    people: int
    space: str | None
    revision: int


class Collections(TypedDict):
    """Those that the key may see."""

    collections: list[CollectionRecord]


class Comparison(TypedDict):
    """Whether two images show one person, or an image shows the person that is claimed."""

    match: bool
    person: dict[str, str] | None
    score: float | None
    threshold: float | None
    rate: float
    rate_kind: str
    interval: list[float | None]
    comparison: str
    llr: float | None
    reasons: list[str]
    candidates: list[dict[str, Any]]
    calibration: str | None
    space: str | None


class ComparisonPoint(TypedDict):
    """A false match rate, its threshold, and its cost in misses.

    Attributes:
        low: lower end of the rate's 95 % interval at this threshold
        fnmr: share of comparisons of one person that are missed at this threshold
        supported: whether the data stand behind the rate; only such rates can be asked for
    """

    fmr: float
    threshold: float
    low: float
    high: float
    fnmr: float
    errors: int
    people: int
    supported: bool


class Deliveries(TypedDict):
    """The newest first."""

    deliveries: list[DeliveryRecord]


class DeliveryRecord(TypedDict):
    """What a webhook was told, is to be told, or was not told in the end.

    Attributes:
        delivery_id: sent as `webhook-id`, the same at each try
        state: `pending`, `delivered`, or `dead`: given up after ten tries, about a day
        next: when it is tried next; null where it is not pending
        status: of the last answer
        problem: why the last try failed
    """

    delivery_id: str
    kind: str
    state: str
    created: str
    tries: int
    next: str | None
    status: int | None
    problem: str | None


class EditRecord(TypedDict):
    """Something that was done by hand and can be undone."""

    edit_id: int
    action: str
    summary: str
    created: str


class Edits(TypedDict):
    """What can be undone, newest first; only the newest can be."""

    edits: list[EditRecord]


class Enrolled(TypedDict):
    """What an enrolment did: partial success is usual."""

    person_id: str | None
    label: str
    added: list[str]
    already: list[str]
    refused: list[RefusedImage]
    checked: bool


class Erased(TypedDict):
    """What an erasure did.

    Attributes:
        elsewhere: other collections with the same images, of those that the key may see
    """

    person_id: str
    samples: int
    level: str
    entry: dict[str, Any]
    proof: dict[str, Any] | None
    elsewhere: list[str]


class EventRecord(TypedDict):
    """Something that happened; see `mien.server.events.Event`."""

    event_id: str
    kind: str
    collection: str | None
    time: str
    data: dict[str, Any]


class Events(TypedDict):
    """Of late, the newest first."""

    events: list[EventRecord]


class Expression(TypedDict):
    """One face, and what people who were shown such a photo would choose from a list; not what it feels.

    Attributes:
        box: edges in pixels of the upright image
        expression: the most probable class
        probabilities: calibrated, of sum 1
    """

    index: int
    track_id: int | None
    box: dict[str, float]
    expression: str
    probabilities: dict[str, float]


class ExpressionsFound(TypedDict):
    """The faces of an image: a `mien.expressions/1` document."""

    schema: str
    source: str
    timestamp: float | None
    faces: list[Expression]


class FacesFound(TypedDict):
    """The faces of an image: a `mien.faces/1` document."""

    schema: str
    source: str
    image: ImageSize
    space: str | None
    faces: list[dict[str, Any]]
    unsearched: list[Unsearched]


class Forgotten(TypedDict):
    """How many unnamed faces were removed with every byte of them."""

    faces: int


class Health(TypedDict):
    """Whether the service serves.

    Attributes:
        waiting: requests that wait for the models, or have them
    """

    status: str
    waiting: int


class ImageSize(TypedDict):
    """Of the upright image, in pixels."""

    width: int
    height: int


class InstalledRecord(TypedDict):
    """Where a calibration that was installed came from.

    Attributes:
        collection: whose job fitted it; null where a file was sent
    """

    time: str
    key_id: str
    collection: str | None
    job_id: str | None


class JobFile(TypedDict):
    """A file that was kept for a job."""

    name: str
    size: int


class JobProblem(TypedDict):
    """Why it is not finished, or what came of it is gone."""

    code: str
    message: str


class JobRecord(TypedDict):
    """A job.

    Attributes:
        state: `uploading` (waits for files, and then for `start`), `waiting`, `running`, `finished`, `failed` or
            `cancelled`
        done: images, or seconds of a video, that are done
        total: of so many; null where that is not known
        refused: images that did not serve; the result says why
        report: whether it has a report
    """

    job_id: str
    collection: str
    kind: str
    options: dict[str, Any]
    state: str
    created: str
    changed: str
    done: float
    total: float | None
    refused: int
    problem: JobProblem | None
    report: bool


class JobResult(TypedDict):
    """What came of a job, until it expires, or until somebody in it is erased.

    Attributes:
        result: `identify`: `images`, each a mien.faces/1 document. `enroll`: `people`, each as an enrolment. `watch`:
            `tracks` with the times at which they were in view, and `events`, each a mien.event/1 document. `evaluate`:
            as `mien evaluate --format json`. `calibrate`: `calibration`, as in a file of `mien calibrate`. `refused`
            has the images that did not serve, with reasons
    """

    job_id: str
    kind: str
    result: dict[str, Any]


class Jobs(TypedDict):
    """The newest first: those that the key might have begun."""

    jobs: list[JobRecord]


class KeyIssued(TypedDict):
    """A new key; its secret is shown this once.

    Attributes:
        rate: requests a minute; null for as many as the service's `--rate`
    """

    key_id: str
    name: str
    role: str
    collections: list[str]
    created: str
    expires: str | None
    scopes: list[str]
    rate: int | None
    secret: str


class KeyRecord(TypedDict):
    """A key, without its secret.

    Attributes:
        rate: requests a minute; null for as many as the service's `--rate`
    """

    key_id: str
    name: str
    role: str
    collections: list[str]
    created: str
    expires: str | None
    scopes: list[str]
    rate: int | None


class Keys(TypedDict):
    """Those that may do nothing that the asking key may not."""

    keys: list[KeyRecord]


class ModelRecord(TypedDict):
    """A model's card; see `mien.models.Card`.

    Attributes:
        commercial: whether licence and training data allow commercial use: yes, no or unclear
    """

    name: str
    task: str
    weights_licence: str
    weights_origin: str
    training_data: str
    training_licence: str
    commercial: str
    commercial_note: str
    paper: str
    sha256: str
    space: str | None
    dimension: int | None


class Models(TypedDict):
    """The models that this version knows."""

    models: list[ModelRecord]


class Neighbour(TypedDict):
    """A person who is like a template.

    Attributes:
        score: cosine similarity
    """

    person_id: str
    label: str
    score: float
    samples: int


class Neighbours(TypedDict):
    """What a search found, in the order of its templates.

    Attributes:
        calibration: that decisions of this collection rest on; scores here are undecided
    """

    space: str | None
    calibration: str | None
    revision: int
    results: list[SearchResult]


class OperatingPoint(TypedDict):
    """At which rates a collection decides, and what others would cost: DET curves.

    Attributes:
        searches: of a collection of this size, highest rate first
        comparisons: of two images, highest rate first
    """

    fpir: float
    fmr: float
    calibration: str
    space: str
    people: int
    searches: list[SearchPoint]
    comparisons: list[ComparisonPoint]


class OtherCalibration(TypedDict):
    """What a pipeline decides by while none is installed."""

    name: str
    source: Literal["file", "shipped"]


class PeoplePage(TypedDict):
    """Some people, in the order of enrolment.

    Attributes:
        next: where the next page begins: its `after`; null after the last
    """

    people: list[PersonRecord]
    next: str | None
    revision: int


class PersonRecord(TypedDict):
    """A person; see `mien.gallery.Person`."""

    person_id: str
    label: str
    samples: int
    purpose: str
    given: str
    expires: str
    expired: bool
    created: str


class PopulationRecord(TypedDict):
    """Whose images a calibration rests on; see `mien.recognition.Calibration`."""

    description: str
    people: int
    images: int
    limits: str


class RefusedImage(TypedDict):
    """An image that was not enrolled, and why."""

    source: str
    reasons: list[str]
    message: str


class Rules(TypedDict):
    """When something is worth telling; see `mien.watch.EventRules`."""

    confirm_frames: int
    absence_seconds: float
    cooldown_seconds: float
    emit_unknown: bool


class SampleRecord(TypedDict):
    """A sample of a person, or an unnamed face; see `mien.gallery.FaceRecord`.

    Attributes:
        box: left, top, right, bottom in pixels of the image it came from
        quality: 0 (useless) to 100
        crop: whether a picture of it is kept
    """

    face_id: str
    person_id: str | None
    source: str
    sha256: str
    box: dict[str, float] | None
    quality: float | None
    created: str
    crop: bool


class Samples(TypedDict):
    """The samples of a person, the first enrolled first."""

    person_id: str
    samples: list[SampleRecord]


class SearchPoint(TypedDict):
    """A false positive identification rate, its threshold, and its cost in misses.

    Attributes:
        fnir: share of searches by people with one sample that miss them at this threshold
    """

    gallery: int
    fpir: float
    threshold: float
    low: float
    high: float
    fnir: float
    errors: int
    people: int
    supported: bool


class SearchResult(TypedDict):
    """The people most like one template, best first; nothing is decided."""

    candidates: list[Neighbour]
    searched: int
    exact: bool


class StreamRecord(TypedDict):
    """A stream.

    Attributes:
        source: its address without user, password and query
        enabled: whether it is watched, also after a restart
        state: `stopped`, `connecting`, `watching`, `waiting` (to connect again) or `failed` (tried again later)
        require: what a look at somebody must be for a name
        fpir: at which it is decided who somebody is: the collection's
    """

    stream_id: str
    name: str
    source: str
    fps: float | None
    rules: Rules
    enabled: bool
    created: str
    state: str
    since: str
    problem: str | None
    require: str | None
    fpir: float


class Streams(TypedDict):
    """The streams of a collection."""

    streams: list[StreamRecord]


class SuggestionRecord(TypedDict):
    """Unnamed faces that seem to be of one person.

    Attributes:
        candidate: whom they are decided to be; null for nobody known
        faces: best quality first
    """

    suggestion_id: str
    candidate: Neighbour | None
    faces: list[SampleRecord]


class Suggestions(TypedDict):
    """People to be named, and more faces of known ones; largest first.

    Attributes:
        refused: images that could not be looked at
    """

    space: str | None
    calibration: str | None
    suggestions: list[SuggestionRecord]
    refused: list[RefusedImage]


class Unsearched(TypedDict):
    """A face that nobody was looked up for, and why.

    Attributes:
        reasons: `exceeds_max_faces`
    """

    box: dict[str, float]
    box_normalised: dict[str, float]
    reasons: list[str]


class WebhookMade(TypedDict):
    """A new webhook; its secret is shown this once.

    Attributes:
        url: null where it cannot be read with the service's secret key
        enabled: false also after it answered 410 Gone; what happens meanwhile is not kept for it
        problem: why it cannot be told anything; it can be removed all the same
        secret: what its bodies are signed with, as in Standard Webhooks
    """

    webhook_id: str
    url: str | None
    kinds: list[str]
    names: bool
    enabled: bool
    problem: str | None
    created: str
    secret: str


class WebhookRecord(TypedDict):
    """A webhook, without its secret.

    Attributes:
        url: null where it cannot be read with the service's secret key
        enabled: false also after it answered 410 Gone; what happens meanwhile is not kept for it
        problem: why it cannot be told anything; it can be removed all the same
    """

    webhook_id: str
    url: str | None
    kinds: list[str]
    names: bool
    enabled: bool
    problem: str | None
    created: str


class Webhooks(TypedDict):
    """The webhooks of a collection."""

    webhooks: list[WebhookRecord]
