"""Every error Docent raises on purpose.

DocentError            catch this at an edge (web, command line, MCP)
  NotFound             no such thing, or not yours to see            404
  Refused              a rule said no; `rule` names it, `who` opens it 403
    SignInNeeded       nobody is signed in, or the token is no good  401
  BadInput             what was given cannot be used; nothing changed 422
    Conflict           it exists already, or changed in the meantime 409
      UnderWay         the same is being done already; says when to retry 409
  Misconfigured        an admin or operator must change a setting    409
  LimitReached         a rate, budget or size limit; says when to retry 429
  Busy                 another process holds the catalog's file     503
  SourceFailed         a connected system failed                     502
    StatementFailed    it is there, and refused or stopped this statement 422
  ProviderFailed       the model's service failed                    502
    ProviderBusy       rate limit or overload; try again             503
"""


class DocentError(Exception):
    """Base class. `str(error)` is one plain sentence, safe to show to the person who asked."""

    status = 500
    exit_code = 1


class NotFound(DocentError):
    """No such thing, or this viewer may not see it: the two must look alike."""

    status = 404


class Refused(DocentError):
    """A rule said no. `rule` is a short stable name (for example "run_sql.toggle"), `who` who can open it."""

    status = 403
    exit_code = 3

    def __init__(self, text: str, *, rule: str = "policy", who: str = "") -> None:
        super().__init__(text)
        self.rule = rule
        self.who = who


class SignInNeeded(Refused):
    """Nobody is signed in, or the credential given is not valid."""

    status = 401


class BadInput(DocentError):
    """What was given cannot be used. `field` names the offending input where there is one."""

    status = 422

    def __init__(self, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class Conflict(BadInput):
    """It exists already, or somebody changed it in the meantime."""

    status = 409


class UnderWay(Conflict):
    """The same is being done by somebody else now. `retry_after` is in seconds."""

    retry_after = 5


class Misconfigured(DocentError):
    """An admin or the operator must change a setting first; the text says which."""

    status = 409


class Busy(DocentError):
    """Somebody else is writing, for longer than one waits. Nothing was changed; the same may be tried again."""

    status = 503


class LimitReached(DocentError):
    """A rate, budget or size limit was reached. `retry_after` is in seconds, None where waiting does not help."""

    status = 429
    exit_code = 3

    def __init__(self, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class SourceFailed(DocentError):
    """A connected source system failed; the text is the connector's own sentence."""

    status = 502


class StatementFailed(SourceFailed):
    """The source is well and said no to this statement, or stopped it; the same statement again would fare no better.

    Not a 5xx: nothing is broken between us, and whatever stands in front of Docent must not send it again by itself.
    """

    status = 422


class ProviderFailed(DocentError):
    """The model's service failed or answered nonsense. `partial` is True where text had already been streamed."""

    status = 502

    def __init__(self, text: str, *, partial: bool = False, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.partial = partial
        self.retry_after = retry_after


class ProviderBusy(ProviderFailed):
    """The model's service is overloaded or limits our rate."""

    status = 503
