"""Files that are written for the user: nothing that somebody else wrote is overwritten or removed.

A folder of outputs keeps a list of its files with their digests. A file is the project's own as long as its content
is what the list says; one that was replaced or edited since is the user's.
"""

import contextlib
import errno
import fnmatch
import os
import pathlib
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import BinaryIO

from causalgan_tf.errors import InputError, brief
from causalgan_tf.system.files import digest, write_bytes
from causalgan_tf.system.parts import part_of, sweep

LIST = "causalgan-files"  # the list of a folder's files, in the form of sha256sum
HEAD = "# Files that causalgan_tf wrote here. It replaces and removes these alone, while they are unchanged."
NAMED = 3  # files that a refusal names


class OutputFolder:
    """A folder that takes the files of a program.

    Example:
        >>> folder = OutputFolder(pathlib.Path(tempfile.mkdtemp()) / "out")
        >>> folder.claim(["labels.csv"])
        >>> folder.write("labels.csv", lambda file: file.write(b"A,B"))
        >>> folder.finish()
        >>> sorted(path.name for path in folder.path.iterdir())
        ['causalgan-files', 'labels.csv']
    """

    def __init__(self, path: str | pathlib.Path, overwrite: bool = False) -> None:
        """A folder; it is made with its first file.

        Args:
            path: the folder.
            overwrite: whether files that the project did not write may be replaced; they are never removed.

        Raises:
            InputError: a file named as the list that is none.
        """
        self.path, self.overwrite = pathlib.Path(path), overwrite
        with _reading(self.path):
            self._own = _listed(self.path / LIST)
        self._claimed: set[str] = set()
        self._written: dict[str, str] = {}

    def claim(self, names: Iterable[str]) -> None:
        """Checks, before the work that makes them, that files can be written.

        Args:
            names: relative to the folder, with forward slashes.

        Raises:
            InputError: files that the project did not write, without `overwrite`; or a place that cannot be written.
        """
        names = [name for name in names if name not in self._claimed]
        with _reading(self.path):
            taken = [name for name in names if os.path.lexists(self.path / name)]
            folders = [name for name in taken if (self.path / name).is_dir()]
            foreign = folders or [name for name in taken if not self.overwrite and not self._is_own(name)]
        if foreign:
            raise InputError(_refusal(self.path, foreign, bool(folders)))
        # now rather than at the first write, which may come after hours of work
        for parent in {(self.path / name).parent for name in names}:
            check_folder(parent)
        self._claimed.update(names)

    def write(self, name: str, save: Callable[[BinaryIO], object]) -> None:
        """Writes one file, in one step as others see it; InputError as `claim`.

        Args:
            name: relative to the folder, with forward slashes.
            save: writes the content into a binary file.
        """
        self.claim([name])
        path = self.path / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with part_of(path) as part:
                with open(part, "wb") as file:
                    save(file)
                found = digest(part)
                self._note(name, found)  # before the file is there: it is the project's from its first moment
                os.replace(part, path)
        self._written[name] = found

    def finish(self, replaced: Collection[str] = ()) -> None:
        """Removes what earlier calls wrote and this one did not.

        Args:
            replaced: patterns of names; other files of earlier calls stay.
        """
        for name in set(self._own) - set(self._written):
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in replaced):
                if self._is_own(name):
                    with writing(self.path / name):
                        (self.path / name).unlink()
                del self._own[name]
        for parent in {(self.path / name).parent for name in self._written}:
            sweep(parent)
        kept = {name: digest(self.path / name) for name in self._own if self._is_own(name)} | self._written
        lines = [HEAD, *(f"{found}  {name}" for name, found in sorted(kept.items()))]
        with writing(self.path / LIST):
            if kept:
                write_bytes(self.path / LIST, ("\n".join(lines) + "\n").encode())

    def _is_own(self, name: str) -> bool:
        """Whether a file is one that the project wrote, unchanged; a link never is."""
        path = self.path / name
        return name in self._own and path.is_file() and not path.is_symlink() and digest(path) in self._own[name]

    def _note(self, name: str, found: str) -> None:
        path = self.path / LIST
        # appended, never rewritten: a program that is killed here leaves every earlier line
        start = "" if path.exists() else HEAD + "\n"
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{start}{found}  {name}\n")


@contextlib.contextmanager
def writing(path: str | pathlib.Path) -> Iterator[None]:
    """Turns an OSError about a place that cannot be written into an InputError that names the place."""
    try:
        yield
    except OSError as error:
        # the reader of our standard output has gone: no fault of the place
        if isinstance(error, BrokenPipeError):
            raise
        raise InputError(
            f"{brief(path)} cannot be written: {error.strerror or brief(error)}. "
            "Name another place, or make room there."
        ) from error


def check_folder(path: str | pathlib.Path) -> None:
    """InputError unless files can be written into a folder, which need not exist; leaves nothing behind."""
    path = pathlib.Path(path)
    with writing(path):
        nearest, missing = path, []
        while not os.path.lexists(nearest) and nearest != nearest.parent:
            missing.append(nearest.name)
            nearest = nearest.parent
        # the folders are not made to find out: a refusal must leave nothing behind
        for place in (path, *(nearest / name for name in missing)):
            with contextlib.suppress(FileNotFoundError):
                os.stat(place)  # says that a name is too long, or that a file is among the parents
        if os.path.lexists(nearest) and not nearest.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file or a broken link is where a folder is to be")
        # permission bits do not tell of read-only disks, quotas or what root may do; a file does
        with tempfile.TemporaryFile(dir=nearest):
            pass


def write_file(path: str | pathlib.Path, content: bytes, overwrite: bool = False) -> None:
    """Writes a file outside of an output folder, and the folders above it.

    Args:
        path: the file.
        content: what it is to hold.
        overwrite: whether a file of another content may be replaced.

    Raises:
        InputError: such a file is there and `overwrite` is not set, or the place cannot be written.
    """
    path = pathlib.Path(path)
    with writing(path):
        if path.is_dir():
            raise InputError(f"{brief(path)} is a folder: expected the name of a file.")
        if os.path.lexists(path) and not overwrite:
            if path.is_file() and path.read_bytes() == content:
                return
            raise InputError(f"{brief(path)} is there already. Name another file, or replace it: --overwrite.")
        check_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)


@contextlib.contextmanager
def _reading(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{brief(path)} cannot be used: {error.strerror or brief(error)}. Name another place."
        ) from error


def _listed(path: pathlib.Path) -> dict[str, set[str]]:
    """Digests by name, all that a name has had: of two, a program that was killed has left the one or the other."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if lines[:1] != [HEAD]:
        raise InputError(f"{brief(path)} is not the list of files that causalgan_tf keeps. Name another folder.")
    own: dict[str, set[str]] = {}
    for line in lines[1:]:
        digest, _, name = line.partition("  ")
        # a list that was edited must not let files outside of the folder be removed
        if name and ".." not in name.split("/") and not os.path.isabs(name):
            own.setdefault(name, set()).add(digest)
    return own


def _refusal(folder: pathlib.Path, names: list[str], are_folders: bool) -> str:
    named = ", ".join(brief(name, 40) for name in names[:NAMED])
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    if are_folders:
        return f"{brief(folder)} holds folders where files are to be written: {named}{more}. Name another folder."
    return (
        f"{brief(folder)} holds files that this program did not write, or that were changed since: {named}{more}. "
        "Nothing was touched. Name another folder, or replace them: --overwrite."
    )
