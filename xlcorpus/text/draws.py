"""Random choices as hashes of (seed, id, purpose): the same on every runner, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xlcorpus.text.hashes import GOLDEN, digests, hash_text, mix


def id_halves(ids: pa.Array) -> np.ndarray:
    """uint64[n, 2]: the two halves of 16-byte ids in memory order; `byteswap()` of it sorts as the bytes do."""
    width = ids.type.byte_width // 8
    view = np.frombuffer(ids.buffers()[1], dtype=np.uint64) if len(ids) else np.zeros(0, dtype=np.uint64)
    return view[ids.offset * width :][: len(ids) * width].reshape(-1, width)


def draw_keys(halves: np.ndarray, purpose: str, turn: np.ndarray | None = None) -> np.ndarray:
    """uint64[n]: a hash of the purpose (which names the seed), an id, and which time it is drawn.

    halves: uint64[n, 2], of ids that are hashes themselves (`id_halves`); turn: uint64[n].
    """
    salt = hash_text(purpose)
    return mix(halves[:, 0] ^ mix(halves[:, 1] ^ (salt if turn is None else mix(turn.astype(np.uint64) ^ salt))))


def row_states(ids: pa.Array, purpose: str) -> np.ndarray:
    """uint64[rows]: `draw_keys` of ids of any type; those of 16 bytes are hashes already, others are hashed first."""
    if pa.types.is_fixed_size_binary(ids.type) and ids.type.byte_width == 16:
        return draw_keys(id_halves(ids), purpose)
    return draw_keys(np.frombuffer(digests(ids.cast(pa.string())), dtype=np.uint64).reshape(-1, 2), purpose)


def stream(start: np.uint64 | np.ndarray, count: int) -> np.ndarray:
    """uint64[count]: the first outputs of the splitmix64 generator whose state is `start`; [n, count] of uint64[n]."""
    return mix(np.asarray(start)[..., None] + np.arange(count, dtype=np.uint64) * np.uint64(GOLDEN))


def numbers(states: np.ndarray, place: int | np.ndarray) -> np.ndarray:
    """uint64[n]: the outputs of splitmix64 with these states; place: which output, of all or of each."""
    places = np.atleast_1d(np.asarray(place, dtype=np.uint64)) + np.uint64(1)
    return mix(states + places * np.uint64(GOLDEN))


def shares(states: np.ndarray, place: int | np.ndarray) -> np.ndarray:
    """float64[n], in [0, 1)."""
    drawn: np.ndarray = (numbers(states, place) >> np.uint64(11)) * 2.0**-53
    return drawn


def below(states: np.ndarray, place: int | np.ndarray, limits: np.ndarray) -> np.ndarray:
    """int64[n]: whole numbers from 0 to below the limits (int64[n], less than 2^32; 0 gives 0)."""
    return scaled(numbers(states, place), limits)


def scaled(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """int64[n]: uint64[n] scaled down in their order to whole numbers from 0 to below the limits, as `below` has."""
    return (((values >> np.uint64(32)) * limits.astype(np.uint64)) >> np.uint64(32)).astype(np.int64)


def draw_crop(
    states: np.ndarray, place: int, sizes: np.ndarray, least: float, most: float
) -> tuple[np.ndarray, np.ndarray]:
    """int64[n], int64[n]: where a crop begins and its length, of things of these sizes (int64[n], at least 1).

    As Contriever draws one (Izacard et al. 2022, arXiv:2112.09118; its data.py): a share uniform between two bounds,
    rounded down, at a place uniform over all that it fits in.
    place: which two numbers of each state are taken, 0, 1, ... The length is the share rounded down, at least 1.
    """
    ratios = least + (most - least) * shares(states, 2 * place)
    lengths = np.maximum((sizes * ratios).astype(np.int64), 1)
    return below(states, 2 * place + 1, sizes - lengths + 1), lengths
