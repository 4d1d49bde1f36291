#!/usr/bin/env python3
"""Measure how strong the tests are: change the code a little, and count the changes that a test notices.

Each change (a mutant) is one swapped comparison, sign or logical operator, a negated condition, another
constant, a call that is left out or a result that is None. It is made in a copy of the tree, where the tests
that concern the module run. A mutant that no test notices (a survivor) is a hole in the tests, or changes
nothing that can be noticed. Run by hand; not part of `make test`:

    python tests/mutants.py --module face2face/face/smoothing.py --sample 20
"""

import argparse
import ast
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]

TESTS = {
    "face2face/face/crop.py": ("crop",),
    "face2face/face/drawing.py": ("drawing",),
    "face2face/face/geometry.py": ("geometry",),
    "face2face/face/head_pose.py": ("head_pose", "retarget"),
    "face2face/face/landmark_check.py": ("model_files",),
    "face2face/face/landmarks.py": ("landmarks", "tracking"),
    "face2face/face/smoothing.py": ("smoothing",),
    "face2face/face/tracking.py": ("tracking",),
    "face2face/target/calibration.py": ("calibration",),
    "face2face/target/known_shapes.py": ("known_shapes", "target_file"),
    "face2face/target/pairs.py": ("kept_pairs", "generate_train_data"),
    "face2face/target/rest.py": ("calibration",),
    "face2face/target/retarget.py": ("retarget", "known_shapes"),
    "face2face/target/selection.py": ("selection", "generate_train_data"),
    "face2face/target/sidecar.py": ("sidecar",),
    "face2face/target/statistics.py": ("sidecar", "target_file", "retarget"),
    "face2face/target/target_file.py": ("target_file", "sidecar"),
    "face2face/live/composer.py": ("composer", "presenter"),
    "face2face/live/drive.py": ("run_webcam", "outputs"),
    "face2face/live/loop.py": ("loop", "run_webcam", "outputs"),
    "face2face/live/options.py": ("live_options", "run_webcam"),
    "face2face/live/outputs.py": ("outputs", "run_webcam", "virtual_camera", "no_screen"),
    "face2face/live/painter.py": ("run_webcam", "loop", "outputs"),
    "face2face/live/pipeline.py": ("pipeline",),
    "face2face/live/presenter.py": ("presenter", "gap"),
    "face2face/live/stats.py": ("run_webcam", "outputs"),
}
"""Of each module: the names of the test files that concern it, the nearest first."""

AT_ONCE = 2
NICENESS = 10
LEAST_SECONDS = 60
"""Of the time limit of a run, which is otherwise four times what the unchanged code takes."""

_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
_LOGIC = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutant:
    """One small change of a module."""

    module: str
    line: int
    what: str
    source: str


def mutants_of(module: str, source: str) -> list[Mutant]:
    """All that can be made of a module's source."""
    found = []
    for place, node in enumerate(ast.walk(ast.parse(source))):
        for number, (what, _) in enumerate(_changes(node)):
            tree = ast.parse(source)
            changed = list(ast.walk(tree))[place]
            _, change = list(_changes(changed))[number]
            change()
            found.append(Mutant(module, node.lineno, f"{what}: {ast.unparse(node)[:60]}", ast.unparse(tree)))
    return found


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    """(name, function that makes the change in place) for each change of a node."""

    def put(field: str, value: object) -> Callable[[], None]:
        return lambda: setattr(node, field, value)

    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        yield "comparison", put("ops", [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield "arithmetic", put("op", _ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield "logic", put("op", _LOGIC[type(node.op)]())
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "negation", put("test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", put("value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "constant", put("value", 2 * node.value if node.value else 1)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "left out", put("value", ast.Constant(None))
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "returns None", put("value", ast.Constant(None))


def copy_of_the_tree(folder: Path) -> Path:
    """A copy in which a module may be changed. The sample clips are shared with it."""
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "samples", "demo")
    copy = Path(shutil.copytree(ROOT, folder, ignore=ignored))
    (copy / "samples").symlink_to(ROOT / "samples")
    return copy


def notices(tree: Path, names: tuple[str, ...], limit: float) -> bool:
    """Whether a test fails in this tree, or does not end within so many seconds."""
    files = [str(path) for name in names for path in tree.glob(f"tests/*/test_{name}.py")]
    running = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files],
        cwd=tree,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # a changed module is as old as the one before
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: os.nice(NICENESS),
    )
    try:
        return running.wait(timeout=limit) != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)  # and what the tests started
        running.wait()


def survivors(mutants: list[Mutant], trees: SimpleQueue, limit: float) -> list[Mutant]:
    """Those that no test notices, of one module's."""

    def survives(mutant: Mutant) -> bool:
        tree = trees.get()
        path = tree / mutant.module
        before = path.read_text(encoding="utf-8")
        try:
            path.write_text(mutant.source, encoding="utf-8")
            return not notices(tree, TESTS[mutant.module], limit)
        finally:
            path.write_text(before, encoding="utf-8")
            trees.put(tree)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [m for m, alive in zip(mutants, pool.map(survives, mutants), strict=True) if alive]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module", action="append", choices=sorted(TESTS), help="default: all")
    parser.add_argument("--sample", type=int, help="mutants of each module, default all", metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the sample", metavar="S")
    args = parser.parse_args()
    made, alive = 0, 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        copies = [copy_of_the_tree(Path(scratch) / str(number)) for number in range(AT_ONCE)]
        trees = SimpleQueue()
        for copy in copies:
            trees.put(copy)
        for module in args.module or TESTS:
            mutants = mutants_of(module, (copies[0] / module).read_text(encoding="utf-8"))
            if args.sample is not None and args.sample < len(mutants):
                chosen = random.Random(args.seed).sample(range(len(mutants)), args.sample)
                mutants = [mutants[number] for number in sorted(chosen)]
            began = time.monotonic()
            if notices(copies[0], TESTS[module], 3600):
                print(f"{module}: its tests fail without any change", flush=True)
                continue
            limit = max(LEAST_SECONDS, 4 * (time.monotonic() - began))
            left = survivors(mutants, trees, limit)
            made, alive = made + len(mutants), alive + len(left)
            print(f"{module}: {len(mutants) - len(left)} of {len(mutants)} noticed", flush=True)
            for mutant in left:
                print(f"  survived: line {mutant.line}, {mutant.what}", flush=True)
    if made:
        print(f"{made - alive} of {made} mutants noticed ({100 * (made - alive) / made:.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
