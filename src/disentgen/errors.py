"""The errors that a user can mend. Anything else that is raised is a defect of this project."""


class DisentgenError(Exception):
    """Base of all errors whose message alone says what to do."""


class UsageError(DisentgenError, ValueError):
    """A name, parameter or setting that cannot be used: what was given, what is accepted."""


class DataFileError(DisentgenError, OSError):
    """A dataset file or run directory that is missing, damaged, not what it claims, unwritable."""


class DivergenceError(DisentgenError, ArithmeticError):
    """Training produced a value that is not finite."""
