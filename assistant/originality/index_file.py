"""The file of an index: its arrays, and what takes long to make of them, in a form that is read in milliseconds."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from continuo_daw.assistant.errors import AssistantError
from continuo_daw.assistant.originality.index import MOST_NOTES, Index, Sorted
from continuo_daw.assistant.originality.nearest import PITCHES, RATIOS, SEED, Seeds

MOST_BYTES = 64 * 2**20  # of an index, unpacked
COLUMNS = ("one", "interval", "steps", "first", "pitch", "titles", "bars")
KINDS = {"one": "b1", "interval": "i1", "steps": "u2", "first": "i4", "pitch": "u1", "bars": "i4"}
LOOSE = ("order_low", "order_high", "at_low", "at_high")  # like chance: it takes longer to unpack than it gets smaller

Arrays = Mapping[str, NDArray[Any]]


def index_bytes(index: Index) -> bytes:
    """The index as a file of a bundle, sorted."""
    seeds = index.sorted.seeds
    arrays = {name: getattr(index, name) for name in COLUMNS}
    arrays |= _halves("order", index.sorted.order) | _halves("at", seeds.at)
    arrays |= {"seeds": np.diff(seeds.value, prepend=0), "counts": np.diff(seeds.begin)}
    arrays |= {"interval_bits": seeds.interval_bits, "ratio_bits": seeds.ratio_bits}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.asarray(array), allow_pickle=False)
            how = zipfile.ZIP_STORED if name in LOOSE else zipfile.ZIP_DEFLATED
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue(), how)  # without the time of day
    return file.getvalue()


def read_index(data: bytes) -> Index:
    """What `index_bytes` gave; also the file of an older version, which is not sorted. Raises AssistantError `no_model`
    for anything else; nothing in it is executed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        columns = {name: arrays[name] for name in COLUMNS}
        _check_columns(columns)
        stored = _sorted_of(arrays, len(columns["interval"])) if "order_low" in arrays else None
        index = Index(**columns, stored=stored)
        _check_notes(index)
        return index
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, ValueError, TypeError) as error:
        raise AssistantError("no_model", f"the index of the corpus cannot be read: {error}") from None
    except (MemoryError, RuntimeError, NotImplementedError) as error:
        raise AssistantError("no_model", f"the index of the corpus cannot be read: {error!r}") from None


def _halves(name: str, places: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
    """Places in three bytes each: below 2 million they need no fourth."""
    return {f"{name}_low": places.astype(np.uint16), f"{name}_high": (places >> 16).astype(np.uint8)}


def _places(name: str, arrays: Arrays) -> NDArray[np.int32]:
    """(n,) what `_halves` was given. Raises ValueError where the halves are none."""
    low, high = arrays[f"{name}_low"], arrays[f"{name}_high"]
    if low.dtype != np.uint16 or high.dtype != np.uint8 or low.ndim != 1 or low.shape != high.shape:
        raise ValueError(f"{name}_low and {name}_high do not fit each other")
    places = high.astype(np.int32)
    places <<= 16
    places |= low
    return places


def _check_columns(arrays: Arrays) -> None:
    """Raises ValueError where arrays do not fit each other."""
    notes, pieces, bars = arrays["interval"].size, arrays["titles"].size, arrays["bars"]
    shapes = {"one": (), "interval": (notes,), "steps": (notes,), "first": (pieces,), "pitch": (pieces,)}
    shapes |= {"titles": (pieces,), "bars": (len(bars) if bars.ndim else 0, 3)}
    for name, shape in shapes.items():
        array = arrays[name]
        if array.shape != shape or (array.dtype.kind != "U" if name == "titles" else array.dtype != KINDS[name]):
            raise ValueError(f"{name} has the shape {array.shape} and the type {array.dtype}")
    if notes > MOST_NOTES:
        raise ValueError(f"{notes} notes are more than {MOST_NOTES}")


def _check_notes(index: Index) -> None:
    """Raises ValueError where the arrays hold what cannot be."""
    begins = np.append(index.first, len(index.interval))
    if begins[0] or (np.diff(begins) <= 0).any():
        raise ValueError("pieces do not follow each other")
    pitches, bars = index.pitches, index.bars
    if len(pitches) and (pitches.min() < 0 or pitches.max() >= PITCHES):
        raise ValueError("a pitch is outside 0 to 127")
    if (np.diff(bars[:, 0]) < 0).any() or (bars < 0).any() or (bars[:, 0] >= len(index.first)).any():
        raise ValueError("bars are out of order")
    if (bars[:, 2] < 1).any():
        raise ValueError("bars have no length")


def _sorted_of(arrays: Arrays, notes: int) -> Sorted:
    """What is sorted, of an index of so many notes. Raises ValueError for what no search could use; that it is in
    order is left to the hash on the card."""
    order, at = _places("order", arrays), _places("at", arrays)
    if len(order) != notes or (notes and order.max() >= notes):
        raise ValueError("order does not fit the notes")
    counts, value = arrays["counts"], np.cumsum(arrays["seeds"])
    if value.dtype != np.int64 or value.shape != counts.shape or counts.dtype != np.int32 or (counts < 1).any():
        raise ValueError("seeds and counts do not fit each other")
    if counts.sum() != len(at) or (len(at) and at.max() + SEED > notes) or (np.diff(value) < 1).any():
        raise ValueError("seeds do not fit the notes")
    bits = arrays["interval_bits"], arrays["ratio_bits"]
    sizes = 2 * PITCHES - 1, RATIOS
    if any(part.shape != (size,) or part.dtype != np.float64 for part, size in zip(bits, sizes, strict=True)):
        raise ValueError("interval_bits and ratio_bits have other shapes or types")
    begin = np.append(0, np.cumsum(counts)).astype(np.int32)
    return Sorted(order, Seeds(value, begin, at, *bits))
