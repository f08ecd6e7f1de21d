"""Settings: the base class of every section, presets laid over defaults, and errors a person can act on."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from perspectives.workbench.errors import UserError, shown


class Section(BaseModel):
    """A group of settings. Immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        """Refuse what does not go into an array of numbers, as all counts and seeds do in the end."""
        numbers = value if isinstance(value, tuple) else [value]
        if any(isinstance(number, int) and not -(2**63) <= number < 2**63 for number in numbers):
            raise ValueError("whole numbers have at most 64 bits")
        return value

    def canonical(self) -> str:
        """Return the section as JSON with sorted keys: equal settings give equal text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


Model = TypeVar("Model", bound=Section)


def overlay(lower: Mapping[Any, Any], upper: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return `lower` with `upper` laid over it, mapping by mapping."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = overlay(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def validated(model: type[Model], values: Mapping[Any, Any], *, where: str) -> Model:
    """Return `values` as a `model`.

    **Raises**: UserError naming every key that is unknown (with the nearest known one) or ill-typed, its value, what
    is allowed and `where` it is set.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explain(model, problem) for problem in error.errors()]
        raise UserError("\n".join([*lines, f"Set in {where}."])) from None


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return the message that there is no `what` of this dotted `name`, with the nearest of those `known` beside it."""
    known = sorted(known)
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"Unknown {what} '{name}': {hint}Known here: {', '.join(known)}."


def _explain(model: type[BaseModel], problem: Any) -> str:
    path = [str(part) for part in problem["loc"]]
    name = ".".join(path) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return unknown("setting", name, _fields_at(model, path[:-1]))
    return f"Setting '{name}' = {shown(problem['input'])} is not valid: {problem['msg']}."


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        field = model.model_fields.get(part)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
