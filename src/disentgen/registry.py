"""Choose by name, checked against signatures.

What can be chosen by name is a class or function; its keyword parameters, type hints and defaults
say what it accepts. Every mistake is answered with what was given, what is accepted and the
nearest match.
"""

import difflib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from disentgen.errors import UsageError

T = TypeVar("T")


def nearest_match(given: object, accepted: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the accepted word most like the given one, or ""."""
    words = {str(word).lower(): str(word) for word in accepted}
    close = difflib.get_close_matches(str(given).lower(), words, n=1, cutoff=0.5)
    return f" Did you mean '{words[close[0]]}'?" if close else ""


def unknown(what: str, given: object, accepted: Iterable[str]) -> UsageError:
    """The error for a name that is not among the accepted ones."""
    accepted = list(accepted)
    listed = ", ".join(accepted) or "nothing"
    return UsageError(
        f"unknown {what} '{given}'; accepted: {listed}.{nearest_match(given, accepted)}"
    )


def choose(what: str, name: str, choices: Mapping[str, T]) -> T:
    """Return ``choices[name]``.

    Raises:
        UsageError: no such name; the message lists the choices and the nearest match.
    """
    if name not in choices:
        raise unknown(what, name, choices)
    return choices[name]


def collect(module: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The subclasses of ``base`` that stand in ``module``, by their ``name`` attribute.

    This is how things register: by standing in the right module, under a name of their own.
    """
    return {
        member.__dict__["name"]: member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, base) and "name" in member.__dict__
    }


def signature(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters that a configuration can set, with resolved type hints."""
    function = target.__init__ if inspect.isclass(target) else target
    hints = get_type_hints(function, include_extras=True)
    return {
        name: parameter.replace(annotation=hints.get(name, Any))
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def defaults(target: Callable[..., Any]) -> dict[str, Any]:
    """The defaults of ``target`` as plain data, fit for a configuration file."""
    return {
        name: TypeAdapter(parameter.annotation).dump_python(parameter.default, mode="json")
        for name, parameter in signature(target).items()
        if parameter.default is not parameter.empty
    }


def check(
    where: str,
    target: Callable[..., Any],
    given: Mapping[str, Any],
    supplied: Collection[str] = (),
) -> dict[str, Any]:
    """Check parameters against the signature of ``target``; fill in its defaults.

    Args:
        where: the configuration key that the parameters stand under, for messages.
        target: the class or function that will receive them.
        given: parameters by name.
        supplied: parameters that the caller adds later and a configuration cannot set.

    Returns:
        Every other parameter of ``target``, converted to the type that its hint names.

    Raises:
        UsageError: an unknown or missing parameter, a value of another type or out of range.
    """
    accepted = {
        name: parameter for name, parameter in signature(target).items() if name not in supplied
    }
    for name in given:
        if name not in accepted:
            raise unknown(f"parameter in {where}:", name, accepted)
    checked = {}
    for name, parameter in accepted.items():
        if name in given:
            checked[name] = _convert(f"{where}.{name}", parameter.annotation, given[name])
        elif parameter.default is parameter.empty:
            raise UsageError(f"{where}.{name} is missing; accepted: {', '.join(accepted)}.")
        else:
            checked[name] = parameter.default
    return checked


def plain(target: Callable[..., Any], checked: Mapping[str, Any]) -> dict[str, Any]:
    """Checked parameters of ``target`` as plain data again: what a saved configuration holds."""
    hints = {name: parameter.annotation for name, parameter in signature(target).items()}
    return {
        name: TypeAdapter(hints[name]).dump_python(value, mode="json")
        for name, value in checked.items()
    }


def _convert(where: str, hint: Any, value: Any) -> Any:
    if value == "null":  # as configuration files write None, and so people on the command line
        value = None
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        raise UsageError(_explain(where, value, error)) from None


def _explain(where: str, value: Any, error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    # In a union every member complains; the one that got furthest into the value says most.
    problem = max(problems, key=lambda problem: len(problem["loc"]))
    place = ".".join(
        [where, *(str(part) for part in problem["loc"] if isinstance(part, str | int))]
    )
    expected = problem.get("ctx", {}).get("expected")
    hint = nearest_match(value, str(expected).replace("'", "").replace(" or ", ", ").split(", "))
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{place}: {message}; given: {problem['input']!r}.{hint if expected else ''}"
