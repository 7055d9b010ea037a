"""Reads damaged files, and prints a line of JSON before and after each: python -m tests.fuzz.worker FIRST END [without]

Case number N always is the same file with the same damage. "without" leaves out the kinds that need TensorFlow, which
takes long to import.
"""
from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

from data.errors import UserError
from data.finding import suffix
from tests.fuzz import originals
from tests.fuzz.mutations import mutate
from tests.memory import peak

PROCESSOR_SECONDS, SECONDS = 10, 60  # a case; the second is for a machine that does other work, too
GIGABYTE = 1 << 30
MEMORY, ADDRESSES = 1.5 * GIGABYTE, 8 * GIGABYTE  # of a case beyond what there was before; of the process
SHARES = {"image": 8, "mask": 4, "store": 3, "weights": 2, "array": 1, "flags": 2, "record": 2, "table": 2,
          "archive": 1}


def peak_from_now() -> int:
    """The bytes that this process has in memory; tests.memory.peak is counted from here."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def run_case(number: int, original: originals.Original, random: np.random.Generator, folder: Path) -> dict:
    """{"kind", "mutation", "end": "same", "right", "refused" or "wrong: ..."}"""
    mutation, content = mutate(original.content, random, original.is_text)
    path = folder / f"case{number}{suffix(Path(original.name))}"
    path.write_bytes(content)
    before = peak_from_now()
    try:
        found = original.read(path)
        end = "same" if content == original.content else "right"
        if found is not None and found != EXPECTED[original.name]:
            end = "wrong: another content, and nothing says so"
    except UserError as error:
        end = "refused" if len(str(error).splitlines()) == 1 and len(str(error)) < 2100 else f"wrong: {error!r}"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        end = f"wrong: {type(error).__name__}: {error} at {place.filename}:{place.lineno}"
    used = peak() - before
    if used > MEMORY:
        end = f"wrong: {used >> 20} MiB of memory, then {end}"
    path.unlink()
    return {"kind": original.name, "mutation": mutation, "end": end[:500]}


def main() -> None:
    first, end = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [*originals.images(), *originals.medical(folder), *originals.masks(), *originals.stores(folder),
                 *originals.archives(), *originals.texts(folder)]
        if "without" not in sys.argv:
            files += originals.weights(folder)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        by_kind: dict[str, list] = {}
        for original in files:
            path = folder / f"sound{suffix(Path(original.name))}"
            path.write_bytes(original.content)
            EXPECTED[original.name] = original.read(path)
            by_kind.setdefault(original.name.split()[0], []).append(original)
        kinds = [kind for kind in by_kind for _ in range(SHARES[kind])]
        for case in range(first, end):
            random = np.random.default_rng((case, 11))
            kind = by_kind[kinds[case % len(kinds)]]
            original = kind[case // len(kinds) % len(kind)]
            print(json.dumps({"case": case, "kind": original.name}), flush=True)
            signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS)  # nothing handles it, so that it ends this process
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            print(json.dumps({"case": case, **run_case(case, original, random, folder)}), flush=True)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)


EXPECTED: dict[str, object] = {}

if __name__ == "__main__":
    main()
