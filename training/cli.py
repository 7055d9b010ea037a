"""How every script starts, and how it ends when something is wrong."""
from __future__ import annotations

import errno
import re
import sys
from typing import Callable

from absl import app, flags, logging

from data.images import DataError

STOPPED = 75  # exit status of a training that a signal stopped and that the same command resumes (EX_TEMPFAIL)


# What an output folder can be: full, somebody else's, below a file, a file itself.
OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR,
                 errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG)


class Stopped(Exception):
    """A signal asked the training to stop; everything is saved."""


def run(main: Callable[[], None]) -> None:
    """Parses the flags and calls `main`; what a user can cause ends in one line and a status that is not 0."""
    logging.set_verbosity(logging.INFO)
    logging.set_stderrthreshold("info")
    logging.get_absl_handler().setFormatter(None)

    def guarded(argv):
        if argv[1:]:
            _stop(f"{argv[1]!r} is not a flag: flags are written --name=value")
        try:
            main()
        except DataError as error:
            _stop(str(error))
        except Stopped as stopped:
            _stop(str(stopped), STOPPED)
        except KeyboardInterrupt:
            _stop("interrupted", 130)
        except OSError as error:
            if error.errno not in OUTPUT_ERRORS:
                raise
            _stop(f"{error.filename or 'output folder'}: {error.strerror}; make room or choose another output folder")
        except Exception as error:
            wrapped = re.search(r"DataError: (.+)", str(error))  # raised where a tf.data pipeline reads a file
            if wrapped:
                _stop(wrapped[1])
            # TensorFlow is imported by the scripts, not here, and names its errors by class
            if type(error).__name__ not in ("ResourceExhaustedError", "MemoryError"):
                raise
            first_line = (str(error).splitlines() or [""])[0][:120]
            _stop(f"out of memory or disk space ({first_line}); try a smaller --batch_size")

    app.run(guarded, flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _stop(f"{' '.join(str(error).splitlines())} (--help lists the flags)")


def _stop(message: str, status: int = 1) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def flag_values() -> dict:
    """{name: value} of the flags that the running script defines, as they were resolved."""
    return {flag.name: flag.value for flag in flags.FLAGS.get_flags_for_module(sys.argv[0])}
