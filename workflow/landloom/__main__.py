"""``python -m landloom <stage> ...``: run one stage; nothing but that stage is imported."""

import gc
import importlib
import os
import shlex
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from landloom.cluster import requeue
from landloom.config.run import RunConfig
from landloom.errors import InputError, Interrupted
from landloom.provenance import digests, records, result_cache
from landloom.runtime import command_line, gpus, launch, lock, phases, registry, signals
from landloom.runtime.importing import importing

# Threads that wait for each other sleep rather than spin: a job has as many as its config says, and where
# fewer cores are free, spinning takes what the others need. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def execute(name: str, arguments: list[str]) -> None:
    """Parse the arguments of a stage and run it, outputs all or nothing, with a record beside each."""
    early = signals.watch()
    with importing():
        module = importlib.import_module(f"landloom.stages.{name}")
    if not any(p.kind == "state" for p in command_line.parameters(module.run)):
        signals.restore(early)  # nothing to save
    values = vars(command_line.parser(name, module.run).parse_args(arguments))
    command_line.require(command_line.paths(module.run, values, "input"))
    with phases.during("load"):
        recorder = _recorder(name, module, values, shlex.join(["python", "-m", "landloom", name, *arguments]))
    fingerprint = recorder.fingerprint()
    states = {
        key: values[key] / name / fingerprint for key in command_line.paths(module.run, values, "state")
    }
    outputs = command_line.paths(module.run, values, "output")
    final = [f for fs in outputs.values() for f in fs]
    result_cache.code()  # of what runs now, whatever is edited meanwhile
    with lock.hold(final[0]) as held:
        kept = getattr(module, "KEEP", True) and not RunConfig.found().profile  # a trace shows what is done
        if kept and result_cache.restore(final, fingerprint):
            recorder.renew(final)
            print(f"{name}: the very same job was done before; its result stands", file=sys.stderr)
            return
        needed = getattr(values.get("config"), "gpus", 0)
        with gpus.hold(needed), lock.also(held, states.values()) as insist:
            with phases.during("compute"), command_line.atomic(final, insist) as partial:
                launch.run(name, module, values | states | dict(zip(outputs, partial, strict=True)))
            with phases.during("write"):
                recorder.write(final)
                result_cache.keep(final, fingerprint)
            for state in states.values():
                drop_checkpoints(state)


def _recorder(name: str, module: ModuleType, values: dict[str, Any], command: str) -> records.Recorder:
    """What tells this job from others: its parameters, but for what changes no result, and its inputs."""
    hidden = {
        p.name for p in command_line.parameters(module.run) if p.kind in ("input", "output", "state", "how")
    }
    shown = {k: _plain(v) for k, v in values.items() if k not in hidden}
    inputs = [f for files in command_line.paths(module.run, values, "input").values() for f in files]
    # The audit reads everything again.
    of = digests.remembered if getattr(module, "KEEP", True) else records.digest
    return records.Recorder(name, module.VERSION, shown, inputs, command, of)


def drop_checkpoints(state: Path) -> None:
    """Remove the checkpoints of a finished job; its metrics and TensorBoard files stay."""
    for file in state.rglob("checkpoint.pt*"):
        file.unlink()


def _plain(value: Any) -> Any:
    """A JSON-able form of a parsed argument."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value) if isinstance(value, Path) else value


def main() -> int:
    """Entry point; returns the exit code (1: wrong input, 2: wrong command line, 75: run me again)."""
    word, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    name = word if word.startswith("-") else word.replace("-", "_")  # as modules are called
    if name in ("--version", "--help", "-h", "help"):
        print(f"landloom {metadata.version('landloom')}" if name == "--version" else usage())
        return 0
    if name not in {*registry.names(), *registry.commands()}:
        print(f"error: '{word}' is no stage or command\n" * bool(name) + usage(), file=sys.stderr)
        return 2
    try:
        if name in registry.commands():
            return int(importlib.import_module(f"landloom.commands.{name}").main(arguments))
        execute(name, arguments)
        print(f"{name}: {phases.line()}", file=sys.stderr)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Interrupted:
        requeue.ask()
        raise
    return 0


def usage() -> str:
    """What there is to type, and what each word does."""
    stages, commands = (
        "\n".join(
            f"  {name.replace('_', '-') if name in registry.commands() else name:13} {registry.purpose(name)}"
            for name in names
        )
        for names in (registry.names(), registry.commands())
    )
    return f"""usage: landloom STAGE|COMMAND [options]      landloom STAGE --help      landloom --version

The workflow runs the stages: snakemake --cores all. Each may also be run by hand.

commands:
{commands}

stages:
{stages}"""


def run_and_exit() -> None:
    """Entry point of the installed command."""
    code = main()
    gc.freeze()  # the process ends: no garbage needs to be looked for
    sys.exit(code)


if __name__ == "__main__":
    run_and_exit()
