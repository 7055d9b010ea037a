"""Starts a script: makes its flags, and reports what the user can mend as one line without a traceback."""
from __future__ import annotations

import errno
import os
import sys
from typing import Any, Callable, TypeVar

from absl import app, flags, logging

from data.errors import UserError, first_line
from training.config import MULTI_WORKER, Config, fields, limits_text

STOPPED = 75  # exit status of a training that a signal stopped and that the same command resumes (EX_TEMPFAIL)
# Errors that the user can mend: a full disk, missing permissions, a file where a folder has to be, a name too long.
OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR,
                 errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG)
MAKE_ROOM = "make room or choose another output folder"

AnyConfig = TypeVar("AnyConfig", bound=Config)

flags.disclaim_key_flags()  # then --help lists the flags that this module defines under the script's name


class Stopped(Exception):
    """A signal stopped the training, after everything was saved."""


def run(function: Callable[[Config], Any], config: type[Config]) -> None:
    """Calls `function` with a `config` made from the command line, and ends the process.

    An error that the user can mend is printed as one line on stderr. Exit status: 0 when done, 1 after an error,
    STOPPED after a signal that a training saved its state for, 130 after another Ctrl-C.
    """
    define_flags(config)
    logging.set_verbosity(logging.INFO)
    logging.set_stderrthreshold("info")
    logging.get_absl_handler().setFormatter(None)

    def guarded(argv):
        if argv[1:]:
            _stop(f"{argv[1]!r} is not a flag: flags are written --name=value")
        options = None
        try:
            options = config(**flag_values(config))
            function(options)
        except UserError as error:
            _stop(str(error))
        except Stopped as stopped:
            _stop(str(stopped), STOPPED)
        except KeyboardInterrupt:
            _stop("interrupted", 130)
        except OSError as error:
            if error.errno not in OUTPUT_ERRORS:
                raise
            _stop(f"{error.filename or 'output folder'}: {error.strerror}; {MAKE_ROOM}")
        except Exception as error:
            if _cannot_write(error):
                _stop(f"{first_line(error)}; {MAKE_ROOM}")
            if getattr(options, "strategy", "") == MULTI_WORKER and _lost_worker(error):
                _stop(f"another worker has ended ({first_line(error)}): start all of them again, and they go on from "
                      "the last checkpoint", STOPPED)
            if _out_of_memory(error):
                _stop(f"out of memory ({first_line(error)}); try a smaller --batch_size")
            raise

    app.run(guarded, flags_parser=_parse)


def config_from(config: type[AnyConfig], arguments: list[str]) -> AnyConfig:
    """The config that a script makes of these flags. Raises UserError as it does."""
    values = flags.FlagValues()
    define_flags(config, values)
    try:
        values(["", *arguments])
    except flags.Error as error:
        raise UserError(" ".join(str(error).splitlines())) from None
    return config(**flag_values(config, values))


def define_flags(config: type[Config], values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines an absl flag for each option. Limits are not checked here but when the config is made."""
    for field, kind in fields(config):
        limits = limits_text(field)
        text = field.metadata["help"] + (f" ({limits})" if limits else "")
        if kind is tuple:
            define = flags.DEFINE_multi_string if field.metadata["repeatable"] else flags.DEFINE_list
            define(field.name, list(field.default), text, flag_values=values)
        elif field.metadata["choices"]:
            flags.DEFINE_enum(field.name, field.default, list(field.metadata["choices"]), text, flag_values=values)
        else:
            {bool: flags.DEFINE_bool, int: flags.DEFINE_integer, float: flags.DEFINE_float,
             str: flags.DEFINE_string}[kind](field.name, field.default, text, flag_values=values)


def flag_values(config: type[Config], values: flags.FlagValues = flags.FLAGS) -> dict[str, Any]:
    """{option: value} of the parsed flags that `define_flags` defined."""
    return {field.name: values[field.name].value for field, _ in fields(config)}


def _tensorflow_error(error: Exception, name: str) -> bool:
    tensorflow = sys.modules.get("tensorflow")  # not imported here: scripts that do not need it start faster
    return bool(tensorflow) and isinstance(error, getattr(tensorflow.errors, name))


def _cannot_write(error: Exception) -> bool:
    """Whether TensorFlow could not write a file. It passes on the system's words, not the number."""
    return _tensorflow_error(error, "OpError") and any(os.strerror(code) in str(error) for code in OUTPUT_ERRORS)


def _lost_worker(error: Exception) -> bool:
    """Whether TensorFlow cannot reach another worker, or was told of its end."""
    return any(_tensorflow_error(error, f"{name}Error") for name in ("Unavailable", "Aborted", "Internal", "Cancelled",
                                                                     "DeadlineExceeded", "FailedPrecondition"))


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or _tensorflow_error(error, "ResourceExhaustedError")


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _stop(f"{' '.join(str(error).splitlines())} (--help lists the flags)")


def _stop(message: str, status: int = 1) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)
