"""Files that native libraries open by their names."""

from pathlib import Path

from face2face import cli


def existing(path: str | Path, what: str) -> Path:
    """The path, if there is a file under a name that such libraries take.

    Raises:
        UserError: that names what was looked for.
    """
    path = Path(path)
    try:
        str(path).encode()
    except UnicodeEncodeError:  # some of them end the process over it
        raise cli.UserError(f"expected a file name in UTF-8 as {what}, got {cli.shown(str(path))}") from None
    return cli.existing_file(path, what)
