"""Writes pairs as PNG files for private use, whatever their audit says.

    python -m data.synthmed.export --store=checkpoints/quick/synthetic.h5 --out=reports/quick/private

The folder lies as a data set of the layout `folder` does: PAIRS=folder:reports/quick/private reads it.
"""
from __future__ import annotations

from pathlib import Path

from data.errors import errors_in_one_line
from data.files import SUMS, readable
from data.images import encode_image
from data.pairs import PairReader
from data.synthmed.release import FOLDERS, ROLES, roles_of, sums
from data.unfinished import NewFolder

README = """# Not cleared for publication

{count} synthetic pairs from {store}, for your own use.

Nobody has cleared these pairs: they may show what the networks were trained on, and so give patients away. Treat them
as you treat the images that the networks were trained on. `make synthmed` makes a folder that may be published, after
an audit.
"""


def export(store: Path, out: Path) -> int:
    """Writes images/, masks/ and, where there is a field of view, fov/; returns the number of pairs.

    `out` appears complete or not at all. Raises UserError where it is there already, or the pairs cannot be read.
    """
    with PairReader(store, required=("masks", "images", "fovs")) as reader, \
            NewFolder(out, "move or remove it first") as folder:
        roles = roles_of(reader, range(len(reader)))
        for number in range(len(reader)):
            row = reader[number]
            for role in roles:
                folder.write(f"{FOLDERS[role]}/{number:06d}.png", encode_image(row[ROLES[role]], ".png"))
        folder.write("README.md", README.format(count=len(reader), store=store.name).encode())
        folder.write(SUMS, sums(folder.partial).encode())  # by which `make clean` knows them from files of yours
        return len(reader)


def main(store: str, out: str) -> None:
    with errors_in_one_line(out):
        count = export(Path(store), Path(out))
    print(readable(f"export: {count} pairs in {out}, not cleared for publication"))


if __name__ == "__main__":
    from absl import app, flags

    STORE = flags.DEFINE_string("store", None, "The pairs (HDF5).", required=True)
    OUT = flags.DEFINE_string("out", None, "The folder to make.", required=True)
    app.run(lambda _: main(STORE.value, OUT.value))
