"""Files of text, packed or not, as text: what they are packed in, how much they may hold, and their encoding."""

import bz2
import gzip
import io
import lzma
import pathlib
import zipfile
import zlib
from collections.abc import Callable

from causalgan_tf.errors import InputError

LARGEST = 2**29  # bytes that a packed file may hold
PACKED: dict[str, Callable] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
KNOWN = "Expected CelebA's list_attr_celeba.txt, a csv with a header, these in a zip, gz or bz2 file, parquet or xlsx."
MARKS = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))

PACKED_MARKS = (  # first bytes of files that people give the ending csv
    (b"PK\x03\x04", "a zip or Excel file: its ending is .zip or .xlsx"),
    (b"\x1f\x8b", "a gzip file: its ending is .gz"),
    (b"PAR1", "a parquet file: its ending is .parquet"),
)


def text_of(path: pathlib.Path) -> str:
    """The text in a file, unpacked, every line ending as in Unix.

    Raises:
        InputError: the file is damaged, holds more than LARGEST bytes when unpacked, or is no text in UTF-8, or in
            UTF-16 or UTF-32 with a byte order mark.
    """
    return _decoded(path, _contents(path))


def _contents(path: pathlib.Path) -> bytes:
    """The bytes of a file, unpacked; InputError if it is absent, damaged or larger than LARGEST."""
    try:
        if path.suffix.lower() == ".zip":
            return _unzipped(path)
        if path.suffix.lower() in PACKED:
            with PACKED[path.suffix.lower()](path) as file:
                return _limited(path, file)
        return path.read_bytes()
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError(
            f"{path} is no complete {path.suffix[1:]} file ({error}). Get it again, or unpack it."
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}). Get it again, or unpack it.") from error


def _unzipped(path: pathlib.Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        # macOS packs a shadow of every file beside it
        files = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
        if len(files) != 1:
            raise InputError(
                f"{path} holds {len(files)} files; expected one, the labels. Unpack it and give the file as "
                "--labels_file."
            )
        with archive.open(files[0]) as file:
            return _limited(path, file)


def _limited(path: pathlib.Path, file: io.BufferedIOBase) -> bytes:
    """The bytes in a packed file; InputError for more than LARGEST."""
    # one byte more than allowed: a small file that swells is told without being unpacked
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InputError(
            f"{path} holds more than {LARGEST >> 20:,} MB, the most that is unpacked here. Unpack it and give the file "
            "in it, or a file of fewer columns."
        )
    return data


def _decoded(path: pathlib.Path, data: bytes) -> str:
    """UTF-8, or another form of Unicode that its first bytes name; every line ends as in Unix."""
    packed = next((what for mark, what in PACKED_MARKS if data.startswith(mark)), None)
    if packed:
        raise InputError(f"{path} is no text but, by its first bytes, {packed}. Rename it so, or save a csv.")
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(_no_text(path, data, error)) from error
    if "\0" in text:
        raise InputError(f"{path} is no text: it holds zero bytes. {KNOWN} UTF-16 needs its byte order mark.")
    if "\r" in text:  # old Macs' line ends too: csv would take the whole file for one line
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.lstrip("\ufeff\u200b")  # marks of files that were joined or pasted


def _no_text(path: pathlib.Path, data: bytes, error: UnicodeDecodeError) -> str:
    """The message about a file that is not UTF-8: binary, or text in another encoding."""
    if b"\0" in data[:4096] or data[:3] == b"\xff\xd8\xff":
        return f"{path} is no UTF-8 text but a binary file. {KNOWN}"
    line = data.count(b"\n", 0, error.start) + 1
    seen = data[max(0, error.start - 10) : error.start + 11].split(b"\n")[0].decode("cp1252", "replace")
    return (
        f"{path}, line {line}: the byte 0x{data[error.start]:02X} is no UTF-8 text. In the encoding Windows-1252 "
        f"(latin-1), which Excel often writes, it reads {seen!r}. Save the file as UTF-8: in Excel, 'CSV UTF-8'."
    )
