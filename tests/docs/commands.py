"""The reference of the command line, made out of the commands themselves."""

from collections.abc import Iterator
from typing import Any, get_args

from typer.main import get_command

from meshplane_cli.app import app
from meshplane_cli.session import OPTIONS

OF_EVERY_COMMAND = {f"--{name}" for name in OPTIONS}


def commands() -> str:
    """Each command with its arguments, what it does, and its own options."""
    return "\n".join(_described(words, command) for words, command in every())


def every() -> Iterator[tuple[str, Any]]:
    """Every command's words, and the command as typer holds it."""
    yield from _in("meshplane", get_command(app))


def own_options(command: Any) -> list[Any]:
    """The options of one command that not every command has."""
    return [
        each
        for each in command.params
        if each.param_type_name == "option"
        and each.name != "help"
        and f"--{each.name}" not in OF_EVERY_COMMAND
    ]


def _in(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, each in getattr(command, "commands", {}).items():
        yield from _in(f"{words} {name}", each)
    if not hasattr(command, "commands"):
        yield words, command


def _described(words: str, command: Any) -> str:
    arguments = [
        str(each.name).upper() if each.required else f"[{str(each.name).upper()}]"
        for each in command.params
        if each.param_type_name == "argument"
    ]
    lines = [f"### `{' '.join([words, *arguments])}`", "", " ".join(str(command.help).split()), ""]
    for each in own_options(command):
        default = f" (default: {each.default:g})" if isinstance(each.default, float) and each.default else ""
        needed = " Required." if each.required else ""
        lines.append(f"- `{', '.join(each.opts)}`{_choices(each)}: {each.help}{needed}{default}")
    return "\n".join([*lines, ""]) if own_options(command) else "\n".join(lines)


def _choices(option: Any) -> str:
    found = list(_texts(option.type_descriptor.annotation))
    return f" ({', '.join(found)})" if found else ""


def _texts(annotation: Any) -> Iterator[str]:
    """What a Literal allows, be it in a union."""
    for each in get_args(annotation):
        if isinstance(each, str):
            yield each
        else:
            yield from _texts(each)
