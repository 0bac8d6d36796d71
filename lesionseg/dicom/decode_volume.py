"""Decoding a checked stack into one array, slices side by side in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final

import numpy as np

from lesionseg.core.errors import PixelDataError
from lesionseg.dicom.decoding import check_decodable, stored_values
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.hounsfield import SliceFacts, is_whole, notes_of, to_hounsfield
from lesionseg.dicom.pixel_blocks import PixelBlocks, locate_frames
from lesionseg.dicom.settings import Note
from lesionseg.dicom.stack import Stack
from lesionseg.volume.ct_volume import HUArray

MAXIMUM_VOXELS: Final = 1 << 31
"""Largest volume, 4 GiB as int16: 8192 slices of 512 x 512, or 2048 of 1024 x 1024."""
LONGEST_RUN: Final = 8
"""Slices that a thread decodes before it tells."""
Progress = Callable[[int, int], None]


def decode_stack(
    stack: Stack, threads: int, progress: Progress | None, case: str
) -> tuple[HUArray, tuple[float, float], tuple[Note, ...]]:
    """Decode all slices in stack order.

    Returns
    -------
    hu : ndarray, shape (slices, rows, columns)
        int16 where every rescale is whole, else float32.
    ends : tuple of float
        The least and the largest value.
    notes : tuple of Note

    Raises
    ------
    PixelDataError
        If any slice's pixels are missing, truncated or damaged, or the volume is beyond all reason.
    UnsupportedTransferSyntaxError
        If no installed decoder reads a slice's encoding.
    """
    slices = stack.slices
    shape = (len(slices), slices[0].pixels.rows or 0, slices[0].pixels.columns or 0)
    if shape[0] * shape[1] * shape[2] > MAXIMUM_VOXELS:
        raise PixelDataError(
            "the volume is too large",
            case=case,
            expected=f"at most {MAXIMUM_VOXELS} voxels",
            found=str(shape),
        )
    for transfer_syntax in {header.source.transfer_syntax for header in slices}:
        check_decodable(transfer_syntax, case)
    blocks = _multiframe_blocks(slices)
    hu: HUArray = np.empty(shape, np.int16) if is_whole(slices) else np.empty(shape, np.float32)

    def decode(some: range) -> list[SliceFacts]:
        return [decode_one(index) for index in some]

    def decode_one(index: int) -> SliceFacts:
        header = slices[index]
        found = blocks.get(header.source.path) or locate_frames(header)
        room = memoryview(hu[index]).cast("B")  # native pixels need no memory but their place
        return to_hounsfield(stored_values(header, found.read(header.frame_index, room)), header, hu[index])

    facts = _run(decode, len(slices), threads, progress)
    ends = min(one.lowest_hu for one in facts), max(one.highest_hu for one in facts)
    return hu, ends, notes_of(facts)


def stored_pixels(header: SliceHeader) -> bytes:
    """Decode one slice alone, for comparing two."""
    return stored_values(header, locate_frames(header).read(header.frame_index)).tobytes()


def _multiframe_blocks(slices: tuple[SliceHeader, ...]) -> dict[object, PixelBlocks]:
    sources = {header.source.path: header for header in slices if header.source.number_of_frames > 1}
    return {path: locate_frames(header) for path, header in sources.items()}


def _run(
    decode: Callable[[range], list[SliceFacts]], count: int, threads: int, progress: Progress | None
) -> tuple[SliceFacts, ...]:
    """Decode in runs of neighbours: a slice takes less time than handing it to a thread."""
    threads, done = max(1, threads), 0
    size = max(1, min(LONGEST_RUN, count // threads))
    runs = [range(start, min(start + size, count)) for start in range(0, count, size)]
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        jobs = {pool.submit(decode, run): run for run in runs}
        try:
            for job in as_completed(jobs):
                for _ in job.result():
                    done += 1
                    if progress:
                        progress(done, count)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return tuple(facts for job in jobs for facts in job.result())
