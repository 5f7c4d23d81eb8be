"""Model cards: what is known about each model, read from one TOML file a model."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias, get_args

from mien.errors import ModelError, UnknownModel
from mien.models._table import Table

__all__ = [
    "Backend",
    "Card",
    "Classes",
    "File",
    "Input",
    "Package",
    "Precision",
    "Run",
    "Shipped",
    "Url",
    "Wheel",
    "card",
    "cards",
    "parse_card",
]

Backend: TypeAlias = Literal["openvino", "onnxruntime", "opencv", "dlib"]
Precision: TypeAlias = Literal["f32", "bf16", "f16"]
Layout: TypeAlias = Literal["NCHW", "NHWC"]
Colour: TypeAlias = Literal["RGB", "BGR"]
Commercial: TypeAlias = Literal["yes", "no", "unclear"]

_WHEEL = re.compile(r"[^-/]+-[^-/]+-[^-/]+-[^-/]+-[^-/]+\.whl")


@dataclass(frozen=True, slots=True)
class File:
    """A file known by name and sha256 (hexadecimal)."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of the package index that holds a model's published file.

    Attributes:
        name: The wheel's file name.
        sha256: Of the wheel, hexadecimal.
        member: The model's path inside the wheel.
    """

    name: str
    sha256: str
    member: str

    @property
    def project(self) -> str:
        """The distribution's name, as the index spells it."""
        return re.sub(r"[-_.]+", "-", self.name.split("-")[0]).lower()

    @property
    def version(self) -> str:
        """The distribution's version."""
        return self.name.split("-")[1]

    @property
    def tags(self) -> tuple[str, str, str]:
        """Python, ABI and platform tag."""
        python, abi, platform = self.name.removesuffix(".whl").split("-")[-3:]
        return python, abi, platform

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package that holds a model's published file.

    Attributes:
        project: The distribution's name, as the index spells it.
        member: The model's path inside it.
    """

    project: str
    member: str

    def __str__(self) -> str:
        return f"{self.project} (installed)"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A file that comes with Mien itself, because it was trained here.

    Attributes:
        member: Its path below ``mien/models``.
    """

    member: str

    def __str__(self) -> str:
        return "comes with mien"


@dataclass(frozen=True, slots=True)
class Url:
    """An address that serves a model's published file."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class Input:
    """What the network expects; sessions take 8-bit RGB and do the rest.

    Attributes:
        size: Width and height in pixels, None where any multiple of ``multiple`` will do.
        layout: ``"NCHW"`` or ``"NHWC"``.
        colour: ``"RGB"`` or ``"BGR"``.
        mean: Subtracted from each channel, in the network's colour order, on the scale of 0 to 255.
        scale: What the difference is multiplied by.
        multiple: Width and height are multiples of it.
        batch: Whether the network takes several images at once.
    """

    size: tuple[int, int] | None
    layout: Layout
    colour: Colour
    mean: tuple[float, float, float]
    scale: float
    multiple: int = 1
    batch: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A way to run a model."""

    backend: Backend
    precision: Precision


@dataclass(frozen=True, slots=True)
class Classes:
    """What a classifier tells apart, and how well it did on images it had not seen.

    Attributes:
        names: The classes, in the order of its outputs.
        temperatures: What logits are divided by, a number a labelling, so that probabilities are calibrated.
        mirrored: Whether an image is seen mirrored as well, and both answers averaged.
        measured: On which images; the figures below are of these.
        recall: Share of each class that was told rightly.
        calibration_error: Expected calibration error of the probabilities.
        groups: For which groups of people the errors were measured.
    """

    names: tuple[str, ...]
    temperatures: tuple[float, ...]
    mirrored: bool
    measured: str
    recall: tuple[float, ...]
    calibration_error: float
    groups: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is known about a model.

    Attributes:
        name: The model's name, unique.
        task: What it does.
        weights_licence: SPDX identifier.
        weights_origin: Where its authors published it.
        training_data: What it was trained on, as far as is publicly known.
        training_licence: Terms of that data.
        commercial: Whether licence and training data allow commercial use.
        commercial_note: Why.
        paper: Reference to the publication.
        file: The published file.
        artefact: The file the runtimes read; the published one where nothing is converted.
        free_spatial: Conversion frees height and width too; None where nothing is converted.
        extra: The extra of Mien without which it cannot run, None for the base install.
        package: A package of that extra that holds the published file.
        shipped: The file in Mien itself, None where it is fetched.
        wheels: Wheels that hold the published file, tried first.
        urls: Addresses of the published file, tried next.
        input: What the network expects.
        space: Embedding space of its output, None where it embeds nothing.
        dimension: Length of a template, None where it embeds nothing.
        origin: Mean feature of a population, subtracted before templates are brought to unit length; ``dimension``
            numbers, None where nothing is subtracted.
        origin_data: Whose features were averaged.
        classes: What it tells apart, None where it is no classifier.
        outputs: Names of the network's outputs.
        runs: Ways to run it, fastest first as measured, each of which passed the equivalence test.
    """

    name: str
    task: str
    weights_licence: str
    weights_origin: str
    training_data: str
    training_licence: str
    commercial: Commercial
    commercial_note: str
    paper: str
    file: File
    artefact: File
    free_spatial: bool | None
    extra: str | None
    package: Package | None
    shipped: Shipped | None
    wheels: tuple[Wheel, ...]
    urls: tuple[Url, ...]
    input: Input
    space: str | None
    dimension: int | None
    origin: tuple[float, ...] | None
    origin_data: str | None
    classes: Classes | None
    outputs: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def converted(self) -> bool:
        """Whether the runtimes read another file than the published one."""
        return self.free_spatial is not None

    @property
    def sources(self) -> tuple[Shipped | Package | Wheel | Url, ...]:
        """Where the published file can be had, in order."""
        here = [source for source in (self.shipped, self.package) if source is not None]
        return (*here, *self.wheels, *self.urls)


def card(name: str) -> Card:
    """The card of a model.

    Raises:
        UnknownModel: No model bears that name.
    """
    known = _catalogue()
    if name not in known:
        raise UnknownModel(f"no model is called {name!r}; known are {', '.join(known)}", name=name, known=list(known))
    return known[name]


def cards() -> tuple[Card, ...]:
    """The cards of all models, by name."""
    return tuple(_catalogue().values())


@cache
def _catalogue() -> Mapping[str, Card]:
    folder = resources.files(__package__) / "cards"
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    parsed = (parse_card(text, name) for name, text in sorted(texts.items()))
    return {card.name: card for card in parsed}


def parse_card(text: str, origin: str) -> Card:
    """Read and check a card.

    Args:
        text: TOML.
        origin: Name of the file, for messages.

    Raises:
        ModelError: A field is missing, unknown or of the wrong kind; the message names it.
    """
    try:
        table = Table(tomllib.loads(text), origin)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{origin}: not TOML: {error}", card=origin) from error
    weights, training, input_ = table.table("weights"), table.table("training"), table.table("input")
    embedding = table.table("embedding") if "embedding" in table.values else None
    centred = embedding if embedding and "origin" in embedding.values else None
    file = _file(table.table("file"))
    free_spatial = table.take("free_spatial", bool) if "free_spatial" in table.values else None
    card = Card(
        name=table.take("name", str),
        task=table.take("task", str),
        weights_licence=weights.take("licence", str),
        weights_origin=weights.take("origin", str),
        training_data=training.take("data", str),
        training_licence=training.take("licence", str),
        commercial=table.choice("commercial", get_args(Commercial)),
        commercial_note=table.take("commercial_note", str),
        paper=table.take("paper", str),
        file=file,
        artefact=file if free_spatial is None else _file(table.table("artefact")),
        free_spatial=free_spatial,
        extra=table.take("extra", str) if "extra" in table.values else None,
        package=_package(table.table("package")) if "package" in table.values else None,
        shipped=Shipped(table.take("shipped", str)) if "shipped" in table.values else None,
        wheels=tuple(_wheel(entry) for entry in table.tables("wheels")),
        urls=tuple(_url(entry) for entry in table.tables("urls")),
        input=_input(input_),
        space=embedding.take("space", str) if embedding else None,
        dimension=embedding.take("dimension", int) if embedding else None,
        origin=tuple(centred.numbers("origin", centred.values["dimension"])) if centred else None,
        origin_data=centred.take("origin_data", str) if centred else None,
        classes=_classes(table.table("classes")) if "classes" in table.values else None,
        outputs=table.strings("outputs"),
        runs=tuple(_run(entry) for entry in table.tables("runs")),
    )
    for entry in (table, weights, training, *([embedding] if embedding else [])):
        entry.done()
    return _checked(card, table)


def _checked(card: Card, table: Table) -> Card:
    if card.shipped is None and len(card.sources) < 2:
        raise table.error("wheels, urls", "at least two sources", len(card.sources))
    if not card.runs:
        raise table.error("runs", "at least one way to run it", "none")
    if f"{card.name}.toml" != table.origin:
        raise table.error("name", "the name of its file", card.name)
    return card


def _file(table: Table) -> File:
    file = File(table.take("name", str), table.sha256())
    table.done()
    return file


def _wheel(table: Table) -> Wheel:
    wheel = Wheel(table.take("name", str), table.sha256(), table.take("member", str))
    table.done()
    if not _WHEEL.fullmatch(wheel.name):
        raise table.error("name", "a wheel's file name", wheel.name)
    return wheel


def _package(table: Table) -> Package:
    package = Package(table.take("project", str), table.take("member", str))
    table.done()
    return package


def _classes(table: Table) -> Classes:
    names = table.strings("names")
    heads = len(table.take("temperatures", list))
    classes = Classes(
        names=names,
        temperatures=tuple(table.numbers("temperatures", heads)),
        mirrored=table.take("mirrored", bool),
        measured=table.take("measured", str),
        recall=tuple(table.numbers("recall", len(names))),
        calibration_error=table.take("calibration_error", float),
        groups=table.take("groups", str),
    )
    table.done()
    return classes


def _url(table: Table) -> Url:
    url = Url(table.take("url", str))
    table.done()
    return url


def _run(table: Table) -> Run:
    run = Run(table.choice("backend", get_args(Backend)), table.choice("precision", get_args(Precision)))
    table.done()
    return run


def _input(table: Table) -> Input:
    size = table.numbers("size", 2) if "size" in table.values else None
    mean = table.numbers("mean", 3)
    result = Input(
        size=None if size is None else (int(size[0]), int(size[1])),
        layout=table.choice("layout", get_args(Layout)),
        colour=table.choice("colour", get_args(Colour)),
        mean=(float(mean[0]), float(mean[1]), float(mean[2])),
        scale=table.take("scale", float),
        multiple=table.take("multiple", int) if "multiple" in table.values else 1,
        batch=table.take("batch", bool),
    )
    table.done()
    return result
