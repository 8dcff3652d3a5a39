"""The five ways a request can fail. Codes are stable; messages speak every language we have.

Anything else that is raised is a bug and travels up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fairlead.base.texts import Label

Message = str | Label


@dataclass(frozen=True, slots=True)
class FieldError:
    """One value that cannot be kept; `field` is its path, `lines[2].qty`, or "" for the whole record."""

    field: str
    code: str
    message: Message

    def to_json(self, lang: str = "en") -> dict[str, str]:
        """Return the shape of one entry of `errors` in an answer."""
        return {"field": self.field, "code": self.code, "message": say(self.message, lang)}


def say(message: Message, lang: str) -> str:
    """Return `message` in `lang`."""
    return message.get(lang) if isinstance(message, Label) else message


class Unavailable(Exception):
    """The database cannot answer now; trying again later may help."""


class Failure(Exception):
    """What the five have in common.

    Attributes:
        status: The HTTP status that tells the same story.
        code: Stable, such as `pool.holding-limit`.
        label: The sentence, a text or a Label.
        data: Facts for programs: what stands now, which limit, whose record.
    """

    status = 500

    def __init__(self, code: str, message: Message, data: Mapping[str, object] | None = None) -> None:
        super().__init__(code, say(message, "en"))
        self.code = code
        self.label: Message = message
        self.data: Mapping[str, object] = dict(data or {})

    def message(self, lang: str = "en") -> str:
        """Return the sentence in `lang`."""
        return say(self.label, lang)

    def __str__(self) -> str:
        return f"{self.code}: {self.message()}"


class Invalid(Failure):
    """The values cannot be kept; each is named."""

    status = 422

    def __init__(
        self, errors: Iterable[FieldError], *, code: str = "invalid", message: Message | None = None
    ) -> None:
        self.errors = tuple(errors)
        super().__init__(code, message or (self.errors[0].message if self.errors else _INVALID))

    @classmethod
    def field(cls, field: str, code: str, message: Message) -> "Invalid":
        """Return the failure of one field."""
        return cls([FieldError(field, code, message)])


class Refused(Failure):
    """A rule says no, however good the values are."""

    status = 409

    def __init__(
        self,
        code: str,
        message: Message,
        *,
        current: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code, message, data)
        self.current = None if current is None else dict(current)


class Forbidden(Refused):
    """You may not do this, whatever the record's state."""

    status = 403


class Locked(Refused):
    """An approval under way holds the record."""

    status = 423


class Conflict(Failure):
    """Somebody was faster: what stands now is not what this request was made from."""

    status = 412

    def __init__(
        self,
        record: str = "",
        *,
        expected: int | str | None = None,
        current: Mapping[str, object] | None = None,
        code: str = "conflict.stale",
        message: Message | None = None,
        status: int = 412,
    ) -> None:
        super().__init__(code, message or _STALE, {"record": record, "expected": expected})
        self.status = status
        self.record = record
        self.expected = expected
        self.current = None if current is None else dict(current)


class NotFound(Failure):
    """Not there, or not yours to see: the answer is the same."""

    status = 404

    def __init__(self, entity: str, record: str = "", *, message: Message | None = None) -> None:
        super().__init__("not-found", message or _NOT_FOUND, {"entity": entity, "id": record})
        self.entity = entity
        self.id = record


class TooMany(Failure):
    """Asked too often in too short a time; trying again later is fine.

    Attributes:
        retry_after_s: How long to wait, in seconds.
    """

    status = 429

    def __init__(self, code: str, message: Message, *, retry_after_s: int) -> None:
        super().__init__(code, message, {"retry_after": retry_after_s})
        self.retry_after_s = retry_after_s


class OutletError(Failure):
    """The outside did not take what we sent.

    Attributes:
        permanent: Trying again cannot help.
        retry_after_s: How long the other side asked us to wait, in seconds.
    """

    status = 502

    def __init__(
        self,
        message: Message,
        *,
        permanent: bool,
        code: str = "outlet.failed",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, message, {"permanent": permanent})
        self.permanent = permanent
        self.retry_after_s = retry_after_s


_INVALID = Label({"en": "Some values cannot be kept.", "zh": "有些内容无法保存。"})
_STALE = Label(
    {
        "en": "Somebody changed this record in the meantime. Look at it again and repeat your change.",
        "zh": "该记录刚刚被他人修改，请查看最新内容后再操作。",
    }
)
_NOT_FOUND = Label({"en": "There is no such record.", "zh": "没有这条记录。"})
