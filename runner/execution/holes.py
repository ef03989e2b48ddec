"""Where does what a child allocates lie?

A page that a child writes to is copied first, which costs more than most of what it does. Python gives out
the blocks that imports have left free all over its memory: few of a child's small objects share a page then.
"""

from __future__ import annotations

import sys

_POOL = 1 << 14  # bytes; Objects/obmalloc.c of CPython 3.10 and newer
_HEADER = 48
_SMALLEST, _LARGEST, _STEP = 32, 512, 16
_IN_A_ROW = 4  # blocks, that only a new pool hands out so
_MOST = 256 << 10  # bytes of one size; there are some 250 KiB of holes in all


def fill_holes() -> list[object]:
    """Take all free blocks of the pools that are in use, as long as the list is kept: what is allocated next
    comes from new pools, side by side. Another allocator than Python's own is left as it is.
    """
    kept: list[object] = []
    if not sys.getallocatedblocks():
        return kept
    empty = sys.getsizeof(b"")
    for size in range(_SMALLEST, _LARGEST + 1, _STEP):
        mine: list[object] = []
        in_a_row = 0  # from the beginning of a pool
        while in_a_row < _IN_A_ROW and len(mine) < _MOST // size:
            mine.append(bytes(size - empty) if size > empty else float(len(mine)))
            place = id(mine[-1]) % _POOL
            in_a_row = in_a_row + 1 if place == _HEADER + in_a_row * size else int(place == _HEADER)
        if in_a_row == _IN_A_ROW:
            kept += mine[:-_IN_A_ROW]  # the new pool is left as it was
    return kept
