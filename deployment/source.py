"""Which files of the repository are deployed: those that `.funcignore` leaves."""

from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

# What the tools leave out whatever the file says (Core Tools: FileSystemHelpers.GetLocalFiles).
ALWAYS_IGNORED = (".git", ".vscode", ".funcignore", ".gitignore", "local.settings.json")


def deployed_files(root: Path) -> list[str]:
    """Paths under `root` that `func azure functionapp publish` and `azd deploy` put into their archive, sorted.

    Folders are walked as they are, as those tools do: what git does not know is deployed all the same.
    """
    patterns = (root / ".funcignore").read_text(encoding="utf-8").splitlines()
    ignored = GitIgnoreSpec.from_lines([*patterns, *(f"/{name}" for name in ALWAYS_IGNORED)])
    return sorted(_walk(root, "", ignored))


def _walk(folder: Path, prefix: str, ignored: GitIgnoreSpec) -> Iterator[str]:
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        is_folder = entry.is_dir()
        if ignored.match_file(f"{path}/" if is_folder else path):
            continue
        if is_folder:
            yield from _walk(entry, f"{path}/", ignored)
        else:
            yield path
