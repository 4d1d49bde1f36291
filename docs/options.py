#!/usr/bin/env python3
"""Write docs/options.md: every option of every script, beside those of the programs that it follows."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(ROOT)

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import importlib
import re
from collections.abc import Iterator
from unittest import mock

from docs.options_of_originals import ORIGINALS
from face2face import cli, files

PAGE = ROOT / "docs/options.md"

HEAD = """\
# Options

Written by `python docs/options.py`; a test compares it with what the scripts take. *D* is
[datitran/face2face-demo](https://github.com/datitran/face2face-demo), *A* is
[affinelayer/pix2pix-tensorflow](https://github.com/affinelayer/pix2pix-tensorflow). The last column says
what an option is beside theirs: the *same*, with their default and meaning; *other*, with what differs and
why; or *more*, where they have none. `--paper` sets the options of a training to the values of 2017.
"""

DEFAULTS_OF_THE_MACHINE = {
    "landmark_model": "the installed one",
    "torch_python": "the one that runs the script",
    "workers": "all cores",
}
"""Defaults that depend on the machine, by the option's name."""

_TOLD_DEFAULT = r" \(default: (.+)\)$"
"""How a help text ends that tells its default in words."""

TUTORIAL = tuple(ORIGINALS)
OTHERS = (
    *("evaluate.py", "examples/samples.py", "docs/figures.py"),
    *(f"benchmarks/{path.name}" for path in sorted((ROOT / "benchmarks").glob("*.py"))),
)


class _Parsed(Exception):
    """Ends a script's `parse_args` with its parser."""


def parser_of(script: str) -> argparse.ArgumentParser | None:
    """The parser that a script builds; None for a module that is no script."""
    module = importlib.import_module(script.removesuffix(".py").replace("/", "."))
    parse = getattr(module, "parse_args", None) or getattr(module, "main", None)
    if parse is None:
        return None

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        raise _Parsed(parser)

    with mock.patch.object(argparse.ArgumentParser, "parse_args", stop):
        try:
            parse([])
        except _Parsed as parsed:
            return parsed.args[0]
    return None


def options_of(parser: argparse.ArgumentParser) -> Iterator[tuple[list[str], argparse.Action]]:
    """(names, action) of each option that `--help` shows, but `--help` itself."""
    for action in parser._actions:
        if action.option_strings and action.dest != "help" and action.help != argparse.SUPPRESS:
            yield action.option_strings, action


def default_of(action: argparse.Action) -> str:
    """An option's default as the table shows it; "" if there is none."""
    if action.dest in DEFAULTS_OF_THE_MACHINE:
        return DEFAULTS_OF_THE_MACHINE[action.dest]
    if action.required:
        return "needed"
    if action.nargs == 0:
        return "on" if action.default is action.const else "off"
    if told := re.search(_TOLD_DEFAULT, " ".join((action.help or "").split())):
        return told[1]
    default = action.default
    if isinstance(default, Path) and default.is_absolute():
        default = default.relative_to(ROOT)
    return "" if default is None else str(default)


def row(script: str, names: list[str], action: argparse.Action) -> str:
    """A row of a script's table."""
    meaning = re.sub(_TOLD_DEFAULT, "", " ".join((action.help or "").split()))
    if action.choices:
        meaning += f" ({', '.join(map(str, action.choices))})"
    cells = [", ".join(f"`{name}`" for name in names), meaning, default_of(action)]
    theirs = [found for name in names if (found := ORIGINALS.get(script, {}).get(name))]
    if script in ORIGINALS:
        cells.append(beside(cells[2], *theirs[0]) if theirs else "more")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def beside(default: str, whose: str, their_default: str, difference: str) -> str:
    """What the last column says of an option that the originals have, too."""
    has_other_default = their_default not in ("none", default)
    if not difference and not has_other_default:
        return f"{whose}: same"
    told = [f"default {their_default}"] if has_other_default else []
    return f"{whose}: other ({'; '.join([*told, difference] if difference else told)})"


def table(script: str) -> list[str]:
    """The lines of a script's section; none if it has no options."""
    parser = parser_of(script)
    rows = [row(script, names, action) for names, action in options_of(parser)] if parser else []
    if not rows:
        return []
    has_original = script in ORIGINALS
    head = "| option | meaning | default |" + (" beside the originals |" if has_original else "")
    return [f"## {script}", "", head, "| --- " * (4 if has_original else 3) + "|", *rows, ""]


def page() -> str:
    """The text of docs/options.md."""
    return "\n".join([HEAD, *(line for script in (*TUTORIAL, *OTHERS) for line in table(script))])


def main(argv: list[str] | None = None) -> None:
    """Write the page."""
    cli.ArgumentParser(description=__doc__).parse_args(argv)
    files.write_text(PAGE, page(), lambda path: path == PAGE)
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    cli.run(main)
