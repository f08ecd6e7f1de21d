"""The step runner: everything around a step that is not its science.

A step is a module with one public function of the module's name, typed and keyword-only. From its signature comes the
command line; around its call come threads, float64, the compilation cache, the log, progress, whole-or-nothing outputs,
the end with the parent, and the provenance record. `python -m perspectives <study> <step> --help` shows any of them,
`python -m perspectives <study> --help` lists those of a study.
"""

import errno
import glob
import hashlib
import importlib
import inspect
import logging
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import cyclopts

from perspectives.workbench import closure
from perspectives.workbench.errors import UserError
from perspectives.workbench.parent import end_with_parent
from perspectives.workbench.progress import Reporter
from perspectives.workbench.provenance import record
from perspectives.workbench.settings import Section, unknown

Input = Annotated[Path, "input"]
"""A file that must exist before the step runs."""
Output = Annotated[Path, "output"]
"""A file that appears whole when the step succeeds, or not at all."""

_INJECTED = "progress"
_HELP = ("--help", "-h")
_JOB_HELP = """Options of every step:
  --threads N         threads of all libraries; default: all cores
  --device cpu|gpu    where JAX computes; default: cpu
  --log FILE          log there, and leave a provenance record beside it; default: standard error
  --end-with-parent   be killed when the parent process ends"""


def steps() -> dict[str, list[str]]:
    """Return the names of all steps by study."""
    found: dict[str, list[str]] = {}
    for file in sorted(closure.PACKAGE.glob("*/steps/*.py")):
        if file.stem != "__init__":
            found.setdefault(file.parents[1].name, []).append(file.stem)
    return found


def load(study: str, step: str) -> Callable[..., None]:
    """Return the step's function. **Raises**: UserError when there is no such study or step."""
    known = steps()
    if step not in known.get(study, ()):
        raise UserError(f"There is no step '{study} {step}'. {_listing(known)}")
    return getattr(importlib.import_module(f"perspectives.{study}.steps.{step}"), step)


def main(arguments: list[str]) -> int:
    """Run the step that `arguments` name and return the exit status: 0, or 1 with a message on standard error."""
    study, step = [*arguments, "", ""][:2]
    if not step or study.startswith("-") or step in _HELP:
        known = steps()
        listed = {study: known[study]} if study in known else known
        print(f"Usage: python -m perspectives STUDY STEP [--help | OPTIONS]\n\n{_listing(listed)}")
        return 0 if study in _HELP or (study in known and step in _HELP) else 1
    try:
        return _launch(study, step, arguments[2:])
    except UserError as error:
        print(f"{study} {step}: {error}", file=sys.stderr)
        return 1


def _listing(named: dict[str, list[str]]) -> str:
    return "\n".join(["Steps by study:", *(f"  {study}: {', '.join(names)}" for study, names in named.items())])


def _launch(study: str, step: str, tokens: list[str]) -> int:
    status = 0

    def launch(
        *rest: Annotated[str, cyclopts.Parameter(show=False, allow_leading_hyphen=True)],
        threads: int = os.cpu_count() or 1,
        device: Literal["cpu", "gpu"] = "cpu",
        log: Path | None = None,
        end_with_parent: bool = False,
    ) -> None:
        """Parse the options that all steps share, then those of the step."""
        nonlocal status
        status = _run(study, step, list(rest), threads=threads, device=device, log=log, tied=end_with_parent)

    # The thread count must be in the environment before a backend starts; importing the step imports JAX.
    app = cyclopts.App(name=f"python -m perspectives {study} {step}", help_flags=[], version_flags=[])
    app.default(launch)
    app(tokens, result_action="return_value")
    return status


def _run(study: str, step: str, tokens: list[str], *, threads: int, device: str, log: Path | None, tied: bool) -> int:
    if tied:
        end_with_parent()
    os.environ["NPROC"] = str(threads)  # the size of XLA's thread pool
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    name = f"{study}.{step}"
    _start_log(log)
    function = load(study, step)
    reporter = Reporter(name)
    call = _parse(study, step, function, tokens)
    started = datetime.now(UTC)
    if "jax" in sys.modules:
        _configure_jax(device)
    if _INJECTED in inspect.signature(function).parameters:
        call[_INJECTED] = reporter
    logger = logging.getLogger(name)
    logger.info("started with %s", " ".join(tokens))
    inputs, outputs = _files(function, call, Input), _files(function, call, Output)
    try:
        _require(inputs)
        _keep_apart(inputs, outputs)
        with whole_or_nothing(outputs) as beside:
            function(**{key: _replace(value, beside) for key, value in call.items()})
            _audit(f"perspectives.{study}.steps.{step}")
        logger.info("finished")
        if log is not None:
            told = record_beside(log)
            arguments = {key: value for key, value in call.items() if key != _INJECTED}
            with whole_or_nothing([told]) as beside:
                record(beside[told], step=name, arguments=arguments, outputs=outputs, started=started, threads=threads)
    except UserError as error:
        logger.error("%s", error)
        raise
    except Exception as error:
        if of_files := _of_files(error):  # a full disk, a read-only folder, a file that is gone: for the user to mend
            named = {str(_partial(path)): path for path in outputs}
            file = named.get(str(of_files.filename), of_files.filename)
            told = f"{file or ', '.join(map(str, outputs))}: {of_files.strerror}."
            logger.error(told)
            raise UserError(told) from None
        if inputs and _is_missing_column(error):  # a table given by hand that is not the step's
            logger.error("failed", exc_info=log is not None)
            files = ", ".join(map(str, inputs))
            raise UserError(f"a column that the step reads is missing: {error}. Its inputs are {files}.") from None
        logger.exception("failed")
        if log is None:
            raise
        last = traceback.format_exc(limit=0).strip().splitlines()[-1]
        print(f"{name} failed: {last}\nThe whole story is in {log}.", file=sys.stderr)
        return 1
    finally:
        reporter.close()
    return 0


def _parse(study: str, step: str, function: Callable[..., None], tokens: list[str]) -> dict[str, Any]:
    """Return the call's arguments from the command line, by the function's types."""
    hints = get_type_hints(function, include_extras=True)

    def command(**_: Any) -> None: ...

    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            parameter.replace(annotation=hints[name], default=_default(parameter.default, hints[name]))
            for name, parameter in inspect.signature(function).parameters.items()
            if name != _INJECTED
        ]
    )
    command.__annotations__ = {name: hint for name, hint in hints.items() if name not in (_INJECTED, "return")}
    app = cyclopts.App(
        name=f"python -m perspectives {study} {step}",
        version_flags=[],
        default_parameter=cyclopts.Parameter(negative=(), consume_multiple=True),
    )
    app.default(command)
    _refuse_unknown(app.assemble_argument_collection(), tokens)
    chosen, bound, _ = app.parse_args(tokens)
    if chosen is not command:  # --help
        chosen(*bound.args, **bound.kwargs)
        print(_JOB_HELP)
        raise SystemExit(0)
    bound.apply_defaults()
    if bound.arguments.get("seed", 0) < 0:
        raise UserError(f"--seed is {bound.arguments['seed']}; a seed is 0 or more.")
    return dict(bound.arguments)


def _default(given: Any, hint: Any) -> Any:
    """Return the `given` default; without one, a section's own when all of its fields have defaults."""
    if given is not inspect.Parameter.empty or not (isinstance(hint, type) and issubclass(hint, Section)):
        return given
    return given if any(field.is_required() for field in hint.model_fields.values()) else hint()


def _refuse_unknown(options: cyclopts.ArgumentCollection, tokens: list[str]) -> None:
    """Look up every option of the command line.

    **Raises**: UserError naming the first that is unknown, the nearest known one, and those allowed.
    """
    for name in (token.partition("=")[0] for token in tokens if token.startswith("--")):
        try:
            options.match(name)
        except ValueError:
            if name in _HELP:
                continue
            own = [option.name for option in options if option.parse]
            shared = [word for word in _JOB_HELP.split() if word.startswith("--")]
            group = f"{name.rpartition('.')[0]}."
            fields = [option.removeprefix(group) for option in own if option.startswith(group)]
            raise UserError(unknown("option", name, fields or [*own, *shared])) from None


def _of_files(error: BaseException | None) -> OSError | None:
    """Return the error of the file system that this is, or that came before it: a full disk spoils the tidying up."""
    if isinstance(error, OSError):
        return error
    while error := error and error.__context__:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return error
    return None


def _is_missing_column(error: Exception) -> bool:
    """Say whether pandas itself raised this for a name that it does not know: a column's by key, or one in a query."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return isinstance(error, KeyError | NameError) and frame.f_globals["__name__"].startswith("pandas.")


def _files(function: Callable[..., None], call: dict[str, Any], kind: Any) -> list[Path]:
    """Return the paths among the call's arguments that are annotated as `kind`, Input or Output."""
    found: list[Path] = []
    for name, hint in get_type_hints(function, include_extras=True).items():
        if _mentions(hint, kind) and name in call:
            value = call[name]
            found += [value] if isinstance(value, Path) else list(value or ())
    return found


def _mentions(hint: Any, kind: Any) -> bool:
    return hint == kind or any(_mentions(inner, kind) for inner in get_args(hint))


def _require(inputs: list[Path]) -> None:
    missing = [str(path) for path in inputs if not path.is_file()]
    if missing:
        raise UserError(
            f"input files are missing: {', '.join(missing)}. Check the paths; the workflow makes those in results/."
        )


def _keep_apart(inputs: list[Path], outputs: list[Path]) -> None:
    """Refuse an output that is an input, however its path is spelt: it would be lost."""
    for output in outputs:
        for given in inputs:
            if output.exists() and output.samefile(given):
                raise UserError(f"{output} is the input {given} too and would be overwritten; name another output.")


def _replace(value: Any, beside: dict[Path, Path]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_replace(entry, beside) for entry in value)
    return beside.get(value, value) if isinstance(value, Path) else value


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")


@contextmanager
def whole_or_nothing(outputs: list[Path]) -> Iterator[dict[Path, Path]]:
    """Yield for each output a path beside it with the same suffix; on success rename all, on failure delete all.

    **Raises**: UserError when a folder is read-only or an output is a folder, OSError when a file cannot be made
    there, both before anything is yielded; RuntimeError when an output was not made.
    """
    beside = {path: _partial(path) for path in outputs}
    try:
        for path in outputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise UserError(f"cannot write {path}: the folder {path.parent} is read-only.")
            for left in path.parent.glob(glob.escape(f".{path.stem}.partial-") + f"*{path.suffix}"):
                if left != beside[path]:
                    left.unlink()  # by a process that was killed
            if path.is_dir():
                raise UserError(f"cannot write {path}: it is a folder.")
            if not beside[path].exists():
                beside[path].touch()  # what cannot be made should fail now, not after hours of training
                beside[path].unlink()
        yield beside
        missing = [str(path) for path, partial in beside.items() if not partial.is_file()]
        if missing:
            raise RuntimeError(f"the step ended without writing {', '.join(missing)}")
        for path, partial in beside.items():
            with partial.open("rb") as file:  # a power cut may else leave the name without the bytes
                os.fsync(file.fileno())
            os.replace(partial, path)
    finally:
        for partial in beside.values():
            partial.unlink(missing_ok=True)


def record_beside(log: Path) -> Path:
    """Return where the provenance record of the job with this log lies."""
    return log.with_suffix(".provenance.json")


def _start_log(log: Path | None) -> None:
    """Send what is logged, warnings too, to the file; to standard error when there is none."""
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        record_beside(log).unlink(missing_ok=True)  # of an earlier job: it does not vouch for what this one writes
    handler = logging.FileHandler(log, mode="w") if log else logging.StreamHandler()
    logging.basicConfig(handlers=[handler], level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.captureWarnings(True)
    for noisy in ("jax", "matplotlib", "fontTools", "absl", "orbax"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _configure_jax(device: str) -> None:
    import jax

    jax.config.update("jax_platforms", "cpu" if device == "cpu" else "cuda")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", str(compiled_code(Path())))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def compiled_code(checkout: Path) -> Path:
    """Return the folder of compiled code for this kind of processor: that of one may not run on another."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    flags = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    machine = f"{platform.machine()}-{hashlib.sha256(''.join(flags).encode()).hexdigest()[:8]}"
    return (checkout / ".cache" / "jax" / machine).resolve()


def _audit(module: str) -> None:
    """Fail when the step imported one of our modules that its digest does not cover.

    **Raises**: RuntimeError naming the modules; import them by name at the top of a file.
    """
    covered = closure.closure(module) | closure.closure(closure.RUNNER)
    ours = {name for name in sys.modules if name.split(".")[0] == "perspectives"}
    unseen = sorted(ours - covered - {"perspectives.__main__"})
    if unseen:
        raise RuntimeError(f"imported without the staleness digest knowing: {', '.join(unseen)}")
