"""Synthetic clips: numbered scenes with a quiet tone."""

from fractions import Fraction

import av
import numpy as np

TICKS = Fraction(1, 1000)


def scene(number, width=64, height=48):
    """An upright picture that tells its number by its brightness, and its orientation by its corners."""
    image = np.full((height, width, 3), 40 + 5 * (number % 40), np.uint8)
    image[: height // 4, : width // 4] = (230, 20, 20)
    image[: height // 4, -width // 4 :] = (20, 230, 20)
    image[-height // 4 :, : width // 4] = (20, 20, 230)
    return image


def add_sound(container, seconds, codec, offset=0.0):
    """A quiet tone."""
    stream = container.add_stream(codec, rate=48_000)
    stream.codec_context.layout = "mono"
    tone = (np.sin(np.arange(round(seconds * 48_000)) * 0.05) * 3000).astype(np.int16)

    def packets():
        for start in range(0, len(tone), 4800):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 4800], format="s16", layout="mono")
            frame.sample_rate = 48_000
            frame.pts, frame.time_base = start + round(offset * 48_000), Fraction(1, 48_000)
            yield from stream.encode(frame)
        yield from stream.encode()

    return packets()


def write_clip(path, images, seconds, *, codec="libx264", pix_fmt="yuv420p", sound=None, prepare=None, **options):
    """Write images shown at these seconds; ``prepare`` may change the stream before it starts."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "10", "g": "12", "bf": "2"} | options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = TICKS
        tone = add_sound(container, seconds[-1] + 0.04, sound) if sound else ()
        if prepare:
            prepare(stream)
        for image, second in zip(images, seconds, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(second / TICKS), TICKS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for packet in tone:
            container.mux(packet)
    return path
