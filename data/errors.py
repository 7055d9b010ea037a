"""The one error for everything that a user can cause and mend."""
from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

SHOWN = 10  # names in one line
HEAD, TAIL = 1500, 500  # characters of a line that stay where it quotes a damaged file at length; the remedy comes last
LONGEST = 200  # characters of another library's error in a line


class UserError(ValueError):
    """One line that names the file or flag and the remedy; scripts print it and end with a status that is not 0."""

    def __init__(self, message: str):
        line = " ".join(message.splitlines())
        super().__init__(line if len(line) <= HEAD + TAIL else f"{line[:HEAD]} ... {line[-TAIL:]}")


def listed(names: Iterable) -> str:
    """Names with commas between, for a line: the first SHOWN, then how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def first_line(error: Exception) -> str:
    """Of an error of another library, cut to LONGEST, without the node of the graph that TensorFlow begins with."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"^\{\{.*?\}\} ", "", line)[:LONGEST]


@contextmanager
def errors_in_one_line(out: object) -> Iterator[None]:
    """Around what writes all of `out` or nothing: ends the process with one line after a UserError, a file that cannot
    be read, or Ctrl-C."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if not error.filename:
            raise
        sys.exit(f"error: {error.filename}: {error.strerror}; give another file, or mend this one")
    except KeyboardInterrupt:
        sys.exit(f"{out}: interrupted, nothing written; call again")
