"""Errors a user can act on."""


class InputError(Exception):
    """Something the user gave is wrong: names the place, what was found and what to do.

    Args:
        where: file, or file and field, that is wrong.
        found: what was found there.
        remedy: what the user should do about it.
    """

    def __init__(self, where: object, found: str, remedy: str) -> None:
        self.where, self.found, self.remedy = str(where), found, remedy
        super().__init__(f"{where}: {found}. {remedy}")


class Interrupted(SystemExit):
    """A training job was told to stop, saved its state and wants to be run again.

    The exit code is 75 (EX_TEMPFAIL in sysexits.h): "try again later".
    """

    CODE = 75

    def __init__(self) -> None:
        super().__init__(self.CODE)
