"""The one error for everything that a user can cause and mend."""


class UserError(ValueError):
    """One line that names the file or flag and the remedy; scripts print it and end with a status that is not 0."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.splitlines()))
