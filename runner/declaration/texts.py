"""Which texts and numbers do fields hold, and what does every model share?"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic.alias_generators import to_camel

from runner.vocabulary.duration import DURATION, SIZE, parse_duration, parse_size
from runner.vocabulary.names import FIELD_NAME, OBJECT_NAME

INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?$"
)
"""RFC 3339, a local date-time, or a date."""
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
ENTRY_NAME = r"^[a-z0-9]([-a-z0-9_]{0,61}[a-z0-9])?$"
"""Names inside one object (roots, schedules of a job): an object's name or a field's name."""
PERCENT = r"^(100|[0-9]{1,2})(\.[0-9]{1,2})?%$"
RELATIVE_PATH = r"^[^/\u0000][^\u0000]{0,1023}$"
HOOK_PATH = r"^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9][A-Za-z0-9._~-]*)*$"
"""What needs no escape in a URL (RFC 3986, unreserved), in segments."""
LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
"""As in Kubernetes: an optional DNS prefix, and a name."""

MAX_INTEGER = 2**53
"""Above it JSON numbers are no longer exact everywhere (RFC 8259, section 6)."""


class Model(BaseModel):
    """Everything that people write: frozen, camelCase in YAML, unknown fields are errors."""

    model_config = ConfigDict(
        frozen=True,
        defer_build=True,
        extra="forbid",
        alias_generator=to_camel,
        regex_engine="python-re",
    )


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _size(text: str) -> str:
    parse_size(text)
    return text


def _shown(pattern: str, *examples: str) -> dict[str, Any]:
    return {"pattern": pattern, "examples": list(examples)}


Bool = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), Field(ge=0, le=MAX_INTEGER)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)]
Text = Annotated[str, StringConstraints(max_length=4096)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=262_144)]
Scalar = Annotated[
    Annotated[str, StringConstraints(max_length=65_536)] | Bool | Annotated[int, Strict()] | float,
    Field(description="A text, number, true or false"),
]
Duration = Annotated[
    str, AfterValidator(_duration), Field(json_schema_extra=_shown(DURATION, "90s", "5m", "1h30m"))
]
Size = Annotated[str, AfterValidator(_size), Field(json_schema_extra=_shown(SIZE, "512MiB"))]
Instant = Annotated[str, StringConstraints(pattern=INSTANT)]
Percent = Annotated[str, StringConstraints(pattern=PERCENT)]
ObjectName = Annotated[str, StringConstraints(pattern=OBJECT_NAME)]
FieldName = Annotated[str, StringConstraints(pattern=FIELD_NAME)]
EntryName = Annotated[str, StringConstraints(pattern=ENTRY_NAME)]
EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY)]
LabelValue = Annotated[str, StringConstraints(max_length=256)]
RelativePath = Annotated[str, StringConstraints(pattern=RELATIVE_PATH)]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
