"""Files written by NumPy and Pillow, and what is in them: python3 files.py. Pillow writes no 16-bit colour; those rows are packed here by the definition of the format."""
import base64
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

rows = []


def text(data):
    return base64.b64encode(data).decode()


def npy(name, a):
    f = io.BytesIO()
    np.save(f, a)
    rows.append({"name": name, "kind": "npy", "file": text(f.getvalue()), "shape": list(a.shape), "values": [float(v) for v in a.ravel(order="C")]})


def png(name, data, a, top):
    a = np.asarray(a)
    a = a.reshape(a.shape[0], a.shape[1], -1)
    rows.append({"name": name, "kind": "png", "file": text(data), "shape": list(a.shape), "top": top, "values": [int(v) for v in a.ravel()]})


def saved(image, **options):
    f = io.BytesIO()
    image.save(f, "PNG", **options)
    return f.getvalue()


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def filtered(a, depth):
    """The rows of a picture; row y has filter y % 5."""
    size = max(1, a.shape[2] * depth // 8)
    raw = [np.packbits(r).tobytes() if depth == 1 else r.astype(">u2" if depth == 16 else "u1").tobytes() for r in a]
    body = b""
    for y, row in enumerate(raw):
        above = raw[y - 1] if y else bytes(len(row))
        body += bytes([y % 5])
        for i, v in enumerate(row):
            l = row[i - size] if i >= size else 0
            u = above[i]
            d = above[i - size] if i >= size else 0
            p = l + u - d
            best = min(((abs(p - q), k, q) for k, q in enumerate((l, u, d))))[2]
            body += bytes([(v - (0, l, u, (l + u) // 2, best)[y % 5]) % 256])
    return body


def packed(a, colour, depth, interlaced=False):
    h, w, c = a.shape
    parts = [a[y::down, x::across] for x, y, across, down in ADAM7] if interlaced else [a]
    body = b"".join(filtered(part, depth) for part in parts if part.size)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlaced))) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def interlaced(name, a, colour, depth, top=255):
    data = packed(a, colour, depth, True)
    shown = a * 255 if depth == 1 else a
    if depth < 16:
        assert (np.asarray(Image.open(io.BytesIO(data)).convert("L" if a.shape[2] == 1 else "RGB")).reshape(a.shape) == shown).all()
    png(name, data, shown, top)


rng = np.random.default_rng(1)
npy("float64", np.array([[1, 2, 3], [4, 5, 0.1]]))
npy("fortran", np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)))
npy("big-endian", np.array([1, -2, 300], dtype=">i2"))
npy("bool", np.array([True, False]))
npy("half", np.array([0.5, 65504], dtype=np.float16))
npy("scalar", np.array(7, dtype=np.int64))
npy("bytes", rng.integers(0, 256, (3, 5), dtype=np.uint8))
npy("empty", np.zeros((0, 3), dtype=np.float32))
f = io.BytesIO()
np.savez_compressed(f, x=np.array([[1.5, 2]], dtype=np.float32), y=np.array([3, 4]))
rows.append({"name": "compressed", "kind": "npz", "file": text(f.getvalue())})

grey = rng.integers(0, 256, (5, 7), dtype=np.uint8)
png("grey", saved(Image.fromarray(grey)), grey, 255)
bits = rng.integers(0, 2, (5, 11)).astype(bool)
png("bits", saved(Image.fromarray(bits)), bits * 255, 255)
slope = (np.add.outer(np.arange(20), 2 * np.arange(24)) * 3).astype(np.uint8)
png("slope", saved(Image.fromarray(slope)), slope, 255)
rgb = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
png("rgb", saved(Image.fromarray(rgb)), rgb, 255)
rgba = rng.integers(0, 256, (4, 6, 4), dtype=np.uint8)
png("rgba", saved(Image.fromarray(rgba)), rgba, 255)
la = rng.integers(0, 256, (4, 3, 2), dtype=np.uint8)
png("grey and alpha", saved(Image.fromarray(la, "LA")), la, 255)
palette = Image.fromarray(rng.integers(0, 4, (3, 9), dtype=np.uint8), "P")
palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
png("palette", saved(palette), np.asarray(palette.convert("RGB")), 255)
png("palette with a clear colour", saved(palette, transparency=bytes([0, 128, 255])), np.concatenate([np.asarray(palette.convert("RGB")), np.array([0, 128, 255, 255])[np.asarray(palette)][..., None]], 2), 255)
clear = np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8)
png("rgb with a clear colour", saved(Image.fromarray(clear), transparency=(4, 5, 6)), np.concatenate([clear, np.array([[[255], [0]]])], 2), 255)
wide = rng.integers(0, 65536, (5, 3), dtype=np.uint16)
png("grey16", saved(Image.fromarray(wide)), wide, 65535)
for name, colour, channels in (("rgb16", 2, 3), ("grey and alpha16", 4, 2), ("rgba16", 6, 4)):
    a = rng.integers(0, 65536, (6, 4, channels))
    png(name, packed(a, colour, 16), a, 65535)
a = rng.integers(0, 256, (6, 5, 3))
png("every filter", packed(a, 2, 8), a, 255)
interlaced("interlaced", rng.integers(0, 256, (9, 11, 3)), 2, 8)
interlaced("interlaced bits", rng.integers(0, 2, (10, 13, 1)), 0, 1)
interlaced("interlaced line", rng.integers(0, 65536, (1, 3, 4)), 6, 16, 65535)
interlaced("interlaced column", rng.integers(0, 256, (6, 1, 1)), 0, 8)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "DeepEdu.Tests", "Golden", "files.json")
with open(path, "w", encoding="utf-8", newline="\n") as out:
    json.dump(rows, out, separators=(",", ":"))
    out.write("\n")
