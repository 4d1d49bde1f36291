"""`python -m tests.fuzz --examples 20000`: fuzz every reader by hand, and print the report as Markdown."""

import argparse
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import (
    harness,
    test_fuzz_graphs,
    test_fuzz_json,
    test_fuzz_outputs,
    test_fuzz_pictures,
    test_fuzz_requests,
    test_fuzz_videos,
)

GROUPS = {
    "json": test_fuzz_json.READERS,
    "graphs": test_fuzz_graphs.READERS,
    "requests": test_fuzz_requests.READERS,
    "pictures": test_fuzz_pictures.READERS,
    "videos": test_fuzz_videos.READERS,
    "outputs": test_fuzz_outputs.READERS,
}


def again(name: str, file: str) -> int:
    """Print what a reader makes of an input. Returns 1 if it fails."""
    (reader,) = (each for group in GROUPS.values() for each in group if each.name == name)
    content = Path(file).read_bytes()
    with harness.child() as process:
        verdict = process.ask(reader, pickle.loads(content) if file.endswith(".pickle") else content)
    print(f"{verdict.kind}, {verdict.seconds:.2f} s, {verdict.memory / 1e6:.0f} MB\n{verdict.text}")
    return int(verdict.is_fault)


def main() -> int:
    """Returns 1 if a reader failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=harness.FULL, help="inputs, of all readers together")
    parser.add_argument("--only", nargs="+", choices=tuple(GROUPS), default=list(GROUPS), help="groups")
    parser.add_argument("--findings", help="folder for the inputs that a reader fails on")
    parser.add_argument(
        "--again", nargs=2, metavar=("READER", "FILE"), help="give a reader one input that was kept, and end"
    )
    args = parser.parse_args()
    os.environ |= {"FUZZ_EXAMPLES": str(args.examples), "FUZZ_RANDOM": "1"}
    if args.findings:
        os.environ["FUZZ_FINDINGS"] = args.findings
    if args.again:
        return again(*args.again)
    tallies = []
    with tempfile.TemporaryDirectory(prefix="fuzz-cache.") as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        for group in args.only:
            with harness.child() as process:
                for reader in GROUPS[group]:
                    began = time.monotonic()
                    tallies.append(harness.fuzz(reader, process, goes_on=True))
                    print(
                        f"{reader.name}: {tallies[-1].counts}, {time.monotonic() - began:.0f} s",
                        file=sys.stderr,
                    )
    print(harness.table(tallies))
    kinds = (harness.TRACEBACK, harness.TOO_MUCH, harness.CHANGED)
    return int(any(tally.counts[kind] for tally in tallies for kind in kinds))


if __name__ == "__main__":
    sys.exit(main())
