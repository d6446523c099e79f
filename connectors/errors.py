"""Every error a connector raises on purpose.

SourceError            base; `str(error)` is one sentence, safe to show: no secret and no value in it
  UnreachableSource    no answer: host, port, file or name is wrong, or the network is in the way
    NotOffered         it answers that it has no such thing: a feature is off, an edition or version lacks it
  SignInRefused        the source answered and refused the credential
  PermissionMissing    the role lacks a right that reading metadata needs; the text names the grant
  BadSettings          a setting is missing or has a value that cannot be used; the text names the setting
  SourceInterrupted    the connection dropped or the source changed in the middle of a run; try again
  MissingDriver        an optional driver is not installed; the text is the pip command
  QueryFailed          a statement that `CanRun` executed failed; carries class, position and full text apart
  QueryStopped         a statement was stopped: cancelled, or over its time limit
"""


class SourceError(Exception):
    """Base class. `str(error)` says what happened, to which source, and what to do."""


class UnreachableSource(SourceError):
    """The source gave no answer."""


class NotOffered(UnreachableSource):
    """The source has not got what was asked for: switched off, or not part of its edition or version."""


class SignInRefused(SourceError):
    """The source refused the credential."""


class PermissionMissing(SourceError):
    """The role cannot read something that the connector needs."""


class BadSettings(SourceError):
    """A setting is missing or unusable."""


class SourceInterrupted(SourceError):
    """The run was cut off half-way; nothing of it may be committed."""


class MissingDriver(SourceError):
    """An optional package is not installed."""


class QueryFailed(SourceError):
    """A query that a person ran failed in the engine.

    `str(error)` is safe everywhere (error class and position, never a value). `full` is the engine's own
    text, which may quote values: it may go to the asker's page and nowhere else.
    """

    def __init__(self, safe: str, *, full: str = "", position: int | None = None, code: str = "") -> None:
        super().__init__(safe)
        self.full = full
        self.position = position
        self.code = code


class QueryStopped(SourceError):
    """A query was cancelled or ran over its time limit."""
