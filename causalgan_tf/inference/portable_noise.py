"""Noise of rows in operations that every runtime has: the numbers of causalgan_tf.noise, bit for bit.

ONNX Runtime adds no unsigned integers, and LiteRT shifts none to the left. So a word of 32 bits is here two int32
halves of 16 bits, and all that is done to them stays below 2**31: sums, products with powers of two, quotients,
exclusive ors. A rotation is a product whose overflow is carried into the other half. Batch first, as Keras models are.
"""

import itertools
import zlib
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from causalgan_tf import noise

HALF = 2**16

Array = keras.KerasTensor | np.ndarray
Word = tuple[Array, Array]  # low and high half of 32 bits, int32


class PortableNoise:
    """Noise of the rows with some seeds, in named blocks that are drawn at once.

    >>> seeds = noise.row_seeds(0, 0, 3).numpy()
    >>> words = ops.convert_to_tensor(seeds.view(np.uint32).reshape(-1, 2))  # of each seed its low and its high word
    >>> drawn = PortableNoise(words, units={"A": 3}).unit("A")
    >>> bool(ops.all(drawn == ops.transpose(noise.unit(seeds, ["A"], 3))))
    True
    """

    def __init__(
        self, seeds: Array, units: Mapping[str, int] | None = None, uniforms: Mapping[str, int] | None = None
    ) -> None:
        """Draws all blocks.

        Args:
            seeds: uint32 [B, 2], low and high words of int64 seeds.
            units: numbers in each block of `unit`, by its name.
            uniforms: the same of `uniform`.
        """
        self.widths = {**(units or {}), **(uniforms or {})}
        pairs = [-(-width // 2) for width in (units or {}).values()]
        pairs += [-(-width // 4) for width in (uniforms or {}).values()]
        places = np.concatenate([np.arange(count) for count in pairs])
        streams = np.repeat([zlib.crc32(name.encode()) for name in self.widths], pairs)
        key = _halves(seeds[:, :1]), _halves(seeds[:, 1:])
        self.words = threefry(key, (_constant(places), _constant(streams)))
        ends = np.cumsum([0, *pairs]).tolist()
        self.own = {name: slice(*pair) for name, pair in zip(self.widths, itertools.pairwise(ends), strict=True)}

    def unit(self, block: str) -> Array:
        """U(0,1) numbers float32 [B, width] of a block, those of `noise.unit`."""
        width, words = self.widths[block], []
        for low, high in self._of(block):
            words.append(high * 2**7 + low // 2**9)  # the highest 23 bits
        bits = ops.reshape(ops.stack(words, 2), [-1, 2 * words[0].shape[1]])[:, :width]
        return (ops.cast(bits, "float32") + 0.5) * 2.0**-23

    def uniform(self, block: str) -> Array:
        """U(-1,1) numbers float32 [B, width] of a block, those of `noise.uniform`."""
        halves = ops.concatenate([half for word in self._of(block) for half in word], 1)[:, : self.widths[block]]
        return 2.0 * ((ops.cast(halves, "float32") + 0.5) * 2.0**-16) - 1.0

    def _of(self, block: str) -> list[Word]:
        return [tuple(half[:, self.own[block]] for half in word) for word in self.words]


def threefry(key: tuple[Word, Word], counter: tuple[Word, Word], rounds: int = noise.ROUNDS) -> tuple[Word, Word]:
    """Threefry-2x32 of words in halves, which broadcast; see `noise.threefry`.

    >>> words = threefry((_constant([0]), _constant([0])), (_constant([0]), _constant([0])), rounds=20)
    >>> [hex(int(low[0, 0]) + (int(high[0, 0]) << 16)) for low, high in words]  # as Random123 publishes it
    ['0x6b200159', '0x99ba4efe']
    """
    schedule = (*key, _xor(_xor(*key), _constant([noise.PARITY])))
    x, y = _add(key[0], counter[0]), _add(key[1], counter[1])
    for i in range(rounds):
        x = _add(x, y)
        y = _xor(x, _rotate_left(y, noise.ROTATIONS[i // 4 % 2][i % 4]))
        if i % 4 == 3:
            group = i // 4
            x = _add(x, schedule[(group + 1) % 3])
            y = _add(_add(y, schedule[(group + 2) % 3]), _constant([group + 1]))
    return x, y


def _constant(words: np.ndarray | list[int]) -> Word:
    """Words below 2**32 as a row of halves [1, N]."""
    row = np.asarray(words, np.int64)[None]
    return (row % HALF).astype(np.int32), (row // HALF).astype(np.int32)


def _halves(words: Array) -> Word:
    """Halves of words uint32 [B, 1]."""
    signed = ops.cast(words, "int32")
    negative = ops.cast(signed < 0, "int32")
    rest = signed + negative * (2**31 - 1) + negative  # without the highest bit; 2**31 itself is no int32
    high = rest // HALF
    low = rest - high * HALF
    # a runtime that divides in float32 (OpenVINO) may have rounded up
    over = ops.cast(low < 0, "int32")
    return low + over * HALF, high - over + negative * (HALF // 2)


def _add(a: Word, b: Word) -> Word:
    low, high = a[0] + b[0], a[1] + b[1]
    carry = low // HALF
    high = high + carry
    return low - carry * HALF, high - high // HALF * HALF


def _xor(a: Word, b: Word) -> Word:
    return ops.bitwise_xor(a[0], b[0]), ops.bitwise_xor(a[1], b[1])


def _rotate_left(word: Word, by: int) -> Word:
    """Rotation of words in halves; by 16 it is an exchange of the halves."""
    (low, high), by = word if by < 16 else word[::-1], by % 16
    if not by:
        return low, high
    low, high = low * 2**by, high * 2**by
    out_of_low, out_of_high = low // HALF, high // HALF
    return low - out_of_low * HALF + out_of_high, high - out_of_high * HALF + out_of_low
