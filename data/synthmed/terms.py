"""The name of a release and its terms. Standard library only: make asks before it trains anything."""
from __future__ import annotations

import re
from dataclasses import dataclass

from data.errors import UserError

# SPDX identifier: (where the text of the licence stands, what the Hugging Face hub calls it).
LICENSES = {
    "CC0-1.0": ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
    "CC-BY-4.0": ("https://creativecommons.org/licenses/by/4.0/", "cc-by-4.0"),
    "CC-BY-SA-4.0": ("https://creativecommons.org/licenses/by-sa/4.0/", "cc-by-sa-4.0"),
    "CC-BY-NC-4.0": ("https://creativecommons.org/licenses/by-nc/4.0/", "cc-by-nc-4.0"),
    "CC-BY-NC-SA-4.0": ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "cc-by-nc-sa-4.0"),
    "PDDL-1.0": ("https://opendatacommons.org/licenses/pddl/1-0/", "pddl"),
    "ODC-By-1.0": ("https://opendatacommons.org/licenses/by/1-0/", "odc-by"),
    "ODbL-1.0": ("https://opendatacommons.org/licenses/odbl/1-0/", "odbl"),
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", re.ASCII)  # as the Hugging Face hub takes it


@dataclass(frozen=True)
class Terms:
    """name: of the release, and of its folder. license: one of LICENSES, in any case. authors: who is cited.

    Making one raises UserError where the name or the licence is missing or not allowed, or an author cannot be printed.
    """

    name: str
    license: str
    authors: tuple[str, ...] = ()

    def __post_init__(self):
        if not NAME.fullmatch(self.name):
            raise UserError(f"NAME='{self.name}' is no name for a release: give it letters, digits, dots, dashes and "
                            "underscores, such as NAME=synthmed-retina")
        spelled = {license.lower(): license for license in LICENSES}
        if self.license.lower() not in spelled:
            raise UserError(f"LICENSE='{self.license}': choose the licence yourself, there is no default; one of "
                            f"{', '.join(LICENSES)}")
        unreadable = [author for author in self.authors if not author.isprintable()]
        if unreadable:
            raise UserError(f"AUTHORS={unreadable[0]!r} has characters that cannot be printed: write names in UTF-8, "
                            "on one line, with semicolons between")
        object.__setattr__(self, "license", spelled[self.license.lower()])
        object.__setattr__(self, "authors", self.authors or (f"The makers of {self.name}",))

    @property
    def url(self) -> str:
        """Where the text of the licence stands."""
        return LICENSES[self.license][0]

    @property
    def hub_license(self) -> str:
        """The licence as the Hugging Face hub knows it (huggingface.co/docs/hub/repositories-licenses)."""
        return LICENSES[self.license][1]
