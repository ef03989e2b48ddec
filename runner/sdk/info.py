"""What does a job say about itself for people to read, and where in it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runner.sdk.values import decoded, encoded, kind_of


class Info:
    """A map of JSON values kept with the instance, also when it is over; addressed by dotted paths.

    `info["files.read"] = 3` makes `{"files": {"read": 3}}`. What is set is copied, and what is got is a
    copy: to change a list, set it again. It is recorded with the next checkpoint, and when the attempt ends.
    """

    __slots__ = ("_changed", "_limit", "_recorded", "_values")

    def __init__(self, recorded: str | None, limit: int) -> None:
        self._recorded = recorded
        self._limit = limit
        self._values: dict[str, Any] | None = None
        self._changed = False

    def set(self, path: str, value: Any) -> None:
        """Set the value at a dotted path, making the maps on the way.

        Raises JobCodeError `info-not-json` for what JSON has no form for, and TypeError when something on
        the way is no map; nothing is changed then.
        """
        keys = _keys(path)
        copy = _copy(value, f"info.{path}", self._limit)
        self._holder(keys, make=False)
        self._holder(keys, make=True)[keys[-1]] = copy
        self._changed = True

    __setitem__ = set

    def get(self, path: str, default: Any = None) -> Any:
        """A copy of the value at a dotted path, or `default`."""
        try:
            return self[path]
        except KeyError:
            return default

    def __getitem__(self, path: str) -> Any:
        keys = _keys(path)
        value: Any = self._loaded()
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise KeyError(path)
            value = value[key]
        return _copy(value, f"info.{path}", self._limit)

    def __delitem__(self, path: str) -> None:
        keys = _keys(path)
        if path not in self:
            raise KeyError(path)
        del self._holder(keys, make=False)[keys[-1]]
        self._changed = True

    def __contains__(self, path: str) -> bool:
        try:
            self[path]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._loaded()))

    def __len__(self) -> int:
        return len(self._loaded())

    def __repr__(self) -> str:
        return f"Info({self._loaded()!r})"

    def update(self, values: dict[str, Any]) -> None:
        """Set several paths."""
        for path, value in values.items():
            self.set(path, value)

    def unrecorded(self) -> str | None:
        """The JSON of all of it if that is not what is recorded; JobCodeError `info-too-large`."""
        if not self._changed:
            return None
        text = encoded(self._values, "info", self._limit)
        return None if text == self._recorded else text

    def recorded(self, text: str) -> None:
        """That is recorded now."""
        self._recorded, self._changed = text, False

    def _loaded(self) -> dict[str, Any]:
        if self._values is None:
            self._values = decoded(self._recorded, "info") if self._recorded else {}
        return self._values

    def _holder(self, keys: list[str], make: bool) -> dict[str, Any]:
        """The map that holds the last key; without `make` only looked for, as far as there are maps."""
        holder = self._loaded()
        for at, key in enumerate(keys[:-1], start=1):
            inner = holder.get(key)
            if inner is None:
                inner = {}
                if make:
                    holder[key] = inner
            if not isinstance(inner, dict):
                there = ".".join(keys[:at])
                raise TypeError(
                    f"info.{there} is {kind_of(inner)} and cannot hold {keys[at]!r}; delete it first"
                )
            holder = inner
        return holder


_DEEPEST = 50
"""Names in a path; what is recorded may be twice as deep."""


def _keys(path: str) -> list[str]:
    keys = path.split(".") if isinstance(path, str) else []
    if not all(keys) or not keys:
        raise ValueError(f"{path!r} is no path; write names with dots between them, like 'files.read'")
    if len(keys) > _DEEPEST:
        raise ValueError(f"{path[:60]!r}… has {len(keys)} names; {_DEEPEST} is the most")
    return keys


def _copy(value: Any, name: str, limit: int) -> Any:
    return decoded(encoded(value, name, limit), name)
