"""Pictures of pixels: shades within a chart, and a whole picture as PNG."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from fastnn.errors import MissingExtraError
from fastnn.extras import pip_install
from fastnn.pictures.palette import COLOURS

if TYPE_CHECKING:
    from fastnn.pictures.marks import Surface

#: The strongest shade, a share: lines and dots on it can still be told apart on any paper.
STRONGEST = 0.6


def shades(surface: Surface) -> str:
    """Return a surface as a PNG of one pixel a value, in base64.

    Its colours are between those for light and for dark paper, as a picture cannot follow the
    reader's setting; how strong they are is in the opacity.
    """
    values = np.asarray(surface.values, np.float64)[::-1]  # the first row of a picture is the top
    middle = (surface.low + surface.high) / 2
    half = (surface.high - surface.low) / 2 or 1.0
    share = np.clip((np.nan_to_num(values, nan=middle) - middle) / half, -1.0, 1.0)
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where((share < 0)[..., None], _rgb(surface.below), _rgb(surface.above))
    pixels[..., 3] = np.round(np.abs(share) * STRONGEST * 255)
    return base64.b64encode(_png(pixels)).decode()


def _rgb(colour: str) -> list[int]:
    both = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in COLOURS[colour]]
    return [round(sum(pair) / 2) for pair in zip(*both, strict=True)]


def grey_png(values: np.ndarray) -> str:
    """Return shares (height, width) as a PNG of a pixel each, black to white, in base64.

    >>> grey_png(np.array([[0.0, 1.0]]))[:11]
    'iVBORw0KGgo'
    """
    pixels = np.full((*values.shape, 4), 255, np.uint8)
    pixels[..., :3] = np.round(255 * np.clip(values, 0, 1))[..., None]
    return base64.b64encode(_png(pixels)).decode()


def _png(pixels: np.ndarray) -> bytes:
    """Return pixels (height, width, RGBA) as a PNG file (its specification, sections 5 and 11)."""
    height, width = pixels.shape[:2]
    lines = np.zeros((height, 1 + 4 * width), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def svg_to_png(svg: str, zoom: float = 2.0) -> bytes:
    """Return a picture as PNG, ``zoom`` pixels for each of its own; needs the extra ``plot``."""
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"PNG needs resvg-py, which is not installed: {pip_install('plot')}"
        ) from error
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, sans_serif_family="DejaVu Sans"))
