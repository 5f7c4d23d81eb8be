"""Names in photos, on packets written here in the form each program gives them."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

sys.path.insert(0, str(Path(__file__).parent))

import heif_maker

from mien import media
from mien.errors import ImageTooLarge, UnreadableImage

WIDTH, HEIGHT = 120, 80
PICTURE = Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 60))

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
        "stArea": "http://ns.adobe.com/xmp/sType/Area#",
        "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
        "MP": "http://ns.microsoft.com/photo/1.2/",
        "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
        "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
        "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
        "acdsee-rs": "http://ns.acdsee.com/regions/",
        "acdsee-stArea": "http://ns.acdsee.com/sType/Area#",
        "acdsee": "http://ns.acdsee.com/iptc/1.0/",
        "lr": "http://ns.adobe.com/lightroom/1.0/",
        "digiKam": "http://www.digikam.org/ns/1.0/",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    }.items()
)


def packet(body, attributes=""):
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {NAMESPACES} {attributes}>{body}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def lightroom(name, x, y, w, h, size=(WIDTH, HEIGHT), kind="Face"):
    return packet(
        f"""<mwg-rs:Regions rdf:parseType="Resource">
         <mwg-rs:AppliedToDimensions stDim:w="{size[0]}" stDim:h="{size[1]}" stDim:unit="pixel"/>
         <mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Rotation="0.0" mwg-rs:Name="{name}"
          mwg-rs:Type="{kind}"><mwg-rs:Area stArea:h="{h}" stArea:w="{w}" stArea:x="{x}" stArea:y="{y}"/>
         </rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"""
    )


def picasa(name, x, y, w, h):
    return packet(
        f"""<mwg-rs:Regions rdf:parseType="Resource">
         <mwg-rs:AppliedToDimensions rdf:parseType="Resource"><stDim:w>{WIDTH}</stDim:w><stDim:h>{HEIGHT}</stDim:h>
          <stDim:unit>pixel</stDim:unit></mwg-rs:AppliedToDimensions>
         <mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource"><mwg-rs:Type>Face</mwg-rs:Type>
          <mwg-rs:Name>{name}</mwg-rs:Name><mwg-rs:Area rdf:parseType="Resource"><stArea:x>{x}</stArea:x>
          <stArea:y>{y}</stArea:y><stArea:w>{w}</stArea:w><stArea:h>{h}</stArea:h>
          <stArea:unit>normalized</stArea:unit></mwg-rs:Area></rdf:li></rdf:Bag></mwg-rs:RegionList>
         </mwg-rs:Regions>"""
    )


def microsoft(name, x, y, w, h):
    return packet(
        f"""<MP:RegionInfo><rdf:Description><MPRI:Regions><rdf:Bag><rdf:li>
         <rdf:Description MPReg:Rectangle="{x - w / 2}, {y - h / 2}, {w}, {h}" MPReg:PersonDisplayName="{name}"/>
         </rdf:li></rdf:Bag></MPRI:Regions></rdf:Description></MP:RegionInfo>"""
    )


def digikam(name, x, y, w, h):
    """MWG and Microsoft in one packet, and the name as a tag."""
    first = picasa(name, x, y, w, h).decode().split("<rdf:Description", 1)[1].split(">", 1)[1]
    second = microsoft(name, x + 0.002, y, w, h).decode().split("<rdf:Description", 1)[1].split(">", 1)[1]
    first, second = (part.rsplit("</rdf:Description></rdf:RDF>", 1)[0] for part in (first, second))
    tags = f"<digiKam:TagsList><rdf:Seq><rdf:li>People/{name}</rdf:li></rdf:Seq></digiKam:TagsList>"
    return packet(first + second + tags)


def acdsee(name, x, y, w, h):
    return packet(
        f"""<acdsee-rs:Regions rdf:parseType="Resource"><acdsee-rs:RegionList><rdf:Bag>
         <rdf:li rdf:parseType="Resource"><acdsee-rs:Type>Face</acdsee-rs:Type><acdsee-rs:Name>{name}</acdsee-rs:Name>
         <acdsee-rs:NameAssignType>manual</acdsee-rs:NameAssignType>
         <acdsee-rs:DLYArea rdf:parseType="Resource"><acdsee-stArea:x>{x}</acdsee-stArea:x>
         <acdsee-stArea:y>{y}</acdsee-stArea:y><acdsee-stArea:w>{w}</acdsee-stArea:w>
         <acdsee-stArea:h>{h}</acdsee-stArea:h></acdsee-rs:DLYArea></rdf:li></rdf:Bag></acdsee-rs:RegionList>
         </acdsee-rs:Regions>"""
    )


WRITERS = {"mwg": [lightroom, picasa, digikam], "microsoft": [microsoft], "acdsee": [acdsee]}


def jpeg(xmp=None, orientation=None):
    buffer, options = io.BytesIO(), {} if xmp is None else {"xmp": xmp}
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    PICTURE.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "writer"), [(kind, writer) for kind, all_ in WRITERS.items() for writer in all_])
def test_every_program_s_form(kind, writer):
    (region,) = media.regions(jpeg(writer("Ada Lovelace", 0.25, 0.5, 0.2, 0.3)))
    assert (region.name, region.kind) == ("Ada Lovelace", kind)
    assert region.box == pytest.approx((18, 28, 42, 52), abs=1e-6)


# The stored image is 120 x 80 with a face at (0.25, 0.1) of 0.2 x 0.1: pixels 18 to 42 by 4 to 12.
SHOWN = {
    1: (18, 4, 42, 12),
    2: (78, 4, 102, 12),
    3: (78, 68, 102, 76),
    4: (18, 68, 42, 76),
    5: (4, 18, 12, 42),
    6: (68, 18, 76, 42),
    7: (68, 78, 76, 102),
    8: (4, 78, 12, 102),
}


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("writer", [lightroom, microsoft, acdsee])
def test_regions_turn_with_the_photo(writer, orientation):
    """Also against the pixels: a white patch where the region is."""
    (region,) = media.regions(jpeg(writer("Ada", 0.25, 0.1, 0.2, 0.1), orientation))
    assert region.box == pytest.approx(SHOWN[orientation], abs=1e-6)
    stored = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stored[4:12, 18:42] = 255
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(buffer, "PNG", exif=exif)
    left, top, right, bottom = (round(edge) for edge in region.box)
    upright = media.read(buffer.getvalue())
    assert (upright[top:bottom, left:right] == 255).all()
    assert upright[..., 0].sum() == 255 * (bottom - top) * (right - left)


@pytest.mark.parametrize("orientation", [6, 8])
def test_regions_counted_from_the_photo_as_shown_say_so_by_their_dimensions(orientation):
    data = jpeg(lightroom("Ada", 0.25, 0.1, 0.2, 0.1, size=(HEIGHT * 2, WIDTH * 2)), orientation)
    (region,) = media.regions(data)
    assert region.box == pytest.approx((12, 6, 28, 18), abs=1e-6)


def saved(form, **options):
    buffer = io.BytesIO()
    PICTURE.save(buffer, form, **options)
    return buffer.getvalue()


def png(xmp):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return saved("PNG", pnginfo=info)


CONTAINERS = {
    "JPEG": jpeg,
    "PNG": png,
    "TIFF": lambda xmp: saved("TIFF", tiffinfo={700: xmp}),
    "WebP": lambda xmp: saved("WEBP", xmp=xmp),
    "AVIF": lambda xmp: saved("AVIF", xmp=xmp),
    "HEIC": lambda xmp: heif_maker.make(np.zeros((HEIGHT, WIDTH, 3), np.uint8), xmp=xmp),
}


@pytest.mark.parametrize("form", CONTAINERS)
def test_containers(form):
    (region,) = media.regions(CONTAINERS[form](picasa("Ada", 0.25, 0.5, 0.2, 0.3)))
    assert region.box == pytest.approx((18, 28, 42, 52), abs=1e-6)


def test_turned_tiff_and_heic():
    exif = Image.Exif()
    exif[0x0112], exif[700] = 6, lightroom("Ada", 0.25, 0.1, 0.2, 0.1)
    (region,) = media.regions(saved("TIFF", exif=exif))
    assert region.box == pytest.approx(SHOWN[6], abs=1e-6)
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    stored = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    (region,) = media.regions(heif_maker.make(stored, turns=3, exif=tiff, xmp=lightroom("Ada", 0.25, 0.1, 0.2, 0.1)))
    assert region.box == pytest.approx(SHOWN[6], abs=1e-6)


def test_a_jpeg_s_extended_packet():
    extended = lightroom("Ada", 0.25, 0.5, 0.2, 0.3)
    parts, guid, segments = [extended[:400], extended[400:]], b"0123456789ABCDEF" * 2, b""
    for offset, part in reversed(list(zip((0, 400), parts, strict=True))):
        body = b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(extended), offset) + part
        segments += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    data = jpeg(packet("", 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="x"'))
    (region,) = media.regions(data[:2] + segments + data[2:])
    assert region.name == "Ada"


@pytest.mark.parametrize("name", ["photo.xmp", "photo.jpg.xmp"])
def test_sidecars(name, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg(orientation=6))
    assert media.regions(photo) == ()
    (tmp_path / name).write_bytes(lightroom("Ada", 0.25, 0.1, 0.2, 0.1))
    (region,) = media.regions(str(photo))
    assert region.box == pytest.approx(SHOWN[6], abs=1e-6)


def bag(kind, name, *texts):
    return f"<{name}><rdf:{kind}>{''.join(f'<rdf:li>{text}</rdf:li>' for text in texts)}</rdf:{kind}></{name}>"


CATEGORIES = (
    '&lt;Categories&gt;&lt;Category Assigned="0"&gt;People&lt;Category Assigned="1"&gt;Ada&lt;/Category&gt;'
    '&lt;Category Assigned="0"&gt;Bob&lt;/Category&gt;&lt;/Category&gt;&lt;Category Assigned="1"&gt;Places'
    "&lt;/Category&gt;&lt;/Categories&gt;"
)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(bag("Bag", "lr:hierarchicalSubject", "People|Family|Ada", "Places|Rome"), id="Lightroom"),
        pytest.param(bag("Seq", "digiKam:TagsList", "People/Ada", "Places/Rome", "People"), id="digiKam"),
        pytest.param(bag("Bag", "MicrosoftPhoto:LastKeywordXMP", "People/Ada"), id="Microsoft"),
        pytest.param(bag("Bag", "Iptc4xmpExt:PersonInImage", "Ada"), id="IPTC"),
        pytest.param(f"<acdsee:categories>{CATEGORIES}</acdsee:categories>", id="ACDSee"),
    ],
)
def test_names_without_a_place(body):
    assert media.regions(jpeg(packet(body))) == (media.Region("Ada", None, "keyword"),)


def test_what_is_no_named_face_is_left_out():
    for xmp in (
        lightroom("Rex", 0.5, 0.5, 0.1, 0.1, kind="Pet"),
        lightroom("", 0.5, 0.5, 0.1, 0.1),
        lightroom("Ada", 0.5, 0.5, 0, 0.1),
        lightroom("Ada", "nan", 0.5, 0.1, 0.1),
        lightroom("Ada", 1e30, 0.5, 0.1, 0.1),
        microsoft("", 0.5, 0.5, 0.1, 0.1),
        packet('<MP:RegionInfo rdf:parseType="Resource"/>'),
        packet("", 'mwg-rs:Regions="text"'),
    ):
        assert media.regions(jpeg(xmp)) == ()


def test_photos_without_metadata():
    assert media.regions(jpeg()) == ()
    assert media.regions(saved("BMP")) == ()


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize(
    ("xmp", "message"),
    [
        pytest.param(BOMB, "document type", id="entity bomb"),
        pytest.param(OUTSIDE, "document type", id="file from outside"),
        pytest.param(b"<a>" * 5000, "nested", id="depth"),
        pytest.param(b"<a>" + b"<b/>" * 300_000 + b"</a>", "too long", id="elements"),
        pytest.param(lightroom("Ada", 0.5, 0.5, 0.1, 0.1)[:600], "damaged", id="truncated"),
        pytest.param(b"no XML at all", "damaged", id="text"),
        pytest.param(b" " * (17 * 2**20), "16,777,216", id="size"),
    ],
)
def test_hostile_packets(xmp, message, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())
    (tmp_path / "photo.xmp").write_bytes(xmp)
    with pytest.raises(UnreadableImage, match=rf"photo\.jpg: its metadata .*{message}"):
        media.regions(photo)


@pytest.mark.parametrize(("data", "error"), [(b"", UnreadableImage), (b"text", UnreadableImage)])
def test_no_image(data, error):
    with pytest.raises(error):
        media.regions(data)


def test_over_the_limit():
    with pytest.raises(ImageTooLarge):
        media.regions(jpeg(), max_bytes=100)
