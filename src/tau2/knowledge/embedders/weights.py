"""Reads weights in the safetensors format, and brings rows to length 1. Needs only numpy."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tau2.errors import DataFileError, needs_extra

with needs_extra("knowledge", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZE_BYTES = 8
"""Of the number at the beginning: how many bytes of JSON follow."""
_LONGEST_HEADER = 2**20
_TYPES = {"F16": np.float16, "F32": np.float32}


def read_tensors(content: bytes | memoryview, source: str) -> dict[str, NDArray[np.floating]]:
    """Return the tensors of 16 and 32 bit floats of a safetensors file by name.

    They are views of `content`. Tensors of other numbers are left out.

    Args:
        content: The whole file.
        source: What the file is, for messages.

    Raises:
        DataFileError: the file is damaged.
    """
    try:
        size = int.from_bytes(content[:_SIZE_BYTES], "little")
        if size > _LONGEST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(bytes(content[_SIZE_BYTES : _SIZE_BYTES + size]))
        data = memoryview(content)[_SIZE_BYTES + size :]
        header.pop("__metadata__", None)
        return {
            name: _tensor(entry, data) for name, entry in header.items() if entry["dtype"] in _TYPES
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataFileError(f"the weights of {source} cannot be read: {error}") from error


def _tensor(entry: Mapping[str, Any], data: memoryview) -> NDArray[np.floating]:
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    tensor: NDArray[np.floating] = np.frombuffer(
        data, _TYPES[entry["dtype"]], count=math.prod(shape), offset=start
    ).reshape(shape)
    if tensor.nbytes != end - start:
        raise ValueError("a tensor is not as long as its header says")
    return tensor


def unit_rows(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return rows of length 1, as 32 bit floats. A row of zeros stays one."""
    exact = rows.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (exact / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return unit
