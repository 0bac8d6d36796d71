"""Run `lesionseg batch` as a SLURM job array, a task for each shard, and merge the shards at the end.

    python scripts/slurm/submit.py SCANS -o OUT --shards 20 --partition gpu --gpus 1 --hours 8 -- --pages

What follows ``--`` goes to `lesionseg batch`. Run the same command again to go on: each shard has its ledger,
and what is done is taken over. See docs/pipelines.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import submitit

GRACE_SECONDS = 180
"""Between SLURM's warning and the end of the time; enough to finish the scan that is in the network."""
ENDED_WELL = (0, 3)
"""Exit codes of a batch that went through its scans; with 3 some failed, and the merge says which."""


@dataclass
class Verb:
    """One call of lesionseg; it is stopped in good order when the time is up, and then put in line again."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __call__(self) -> int:
        command = [sys.executable, "-m", "lesionseg", *self.words]
        print(" ".join(command), flush=True)
        # SLURM's warning goes to every process of the task; this one passes it on in its own way
        before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        self.process = subprocess.Popen(command, restore_signals=False)
        signal.signal(signal.SIGUSR2, before)
        code = self.process.wait()
        if code not in ENDED_WELL:
            raise RuntimeError(f"lesionseg ended with {code}; its messages are in this job's log")
        return code

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Let it finish what is segmented; the ledger knows where to go on."""
        if self.process is not None:
            self.process.terminate()
            # not Popen.wait: this runs in a signal handler, on top of a wait that holds its lock
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        return submitit.helpers.DelayedSubmission(Verb(self.words))


def main(words: Sequence[str]) -> int:
    """Submit; return 0, or if it waits what the merge returned: 3 if anything failed or is missing."""
    settings = _arguments(words)
    shards = [Verb(_batch_words(settings, number)) for number in range(1, settings.shards + 1)]
    settings.logs.mkdir(parents=True, exist_ok=True)
    jobs = _shard_executor(settings).submit_array(shards)
    array = jobs[0].job_id.partition("_")[0]
    print(f"{len(jobs)} shards submitted as {array}; logs in {settings.logs}", flush=True)
    waits = settings.wait or settings.cluster == "local"
    if settings.cluster == "local":  # nothing else knows that merging comes after the shards
        _tell_failures(jobs)
    merge = _merge_executor(settings, array).submit(Verb(("batch-merge", str(settings.output))))
    print(f"merge submitted as {merge.job_id}; look into {settings.output / 'index.html'} then", flush=True)
    if not waits:
        return 0
    if settings.cluster == "slurm":
        _tell_failures(jobs)
    code = int(merge.result())
    print(merge.stdout(), flush=True)
    return code


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    own = list(words[: words.index("--")]) if "--" in words else list(words)
    first, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", type=Path, help="as of lesionseg batch")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="on a file system that all nodes see"
    )
    parser.add_argument("--shards", type=int, required=True, help="number of array tasks")
    parser.add_argument("--at-once", type=int, help="array tasks that run at the same time, at most")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    parser.add_argument("--qos")
    parser.add_argument("--gpus", type=int, default=0, help="for each task")
    parser.add_argument("--cpus", type=int, default=4, help="for each task")
    parser.add_argument("--memory-gb", type=float, default=16, help="for each task")
    parser.add_argument(
        "--hours", type=float, default=12, help="for each task, before it is put in line again"
    )
    parser.add_argument("--requeues", type=int, default=10, help="how often that may happen")
    parser.add_argument("--logs", type=Path, help="folder for jobs and logs; by default OUT-slurm")
    parser.add_argument("--cluster", choices=("slurm", "local"), default="slurm", help="local: this machine")
    parser.add_argument(
        "--wait", action="store_true", help="until the shards are merged; always so with local"
    )
    settings = parser.parse_args(own)
    if settings.shards < 1:
        parser.error("--shards must be at least 1")
    settings.batch = tuple(words[len(own) + 1 :])
    settings.output = settings.output.resolve()
    settings.logs = (settings.logs or settings.output.with_name(f"{settings.output.name}-slurm")).resolve()
    return settings


def _batch_words(settings: argparse.Namespace, number: int) -> tuple[str, ...]:
    threads = () if "--threads" in settings.batch else ("--threads", str(settings.cpus))
    inputs = [str(path.resolve()) for path in settings.inputs]
    shard = f"{number}/{settings.shards}"
    return ("batch", *inputs, "-o", str(settings.output), "--shard", shard, *threads, *settings.batch)


def _shard_executor(settings: argparse.Namespace) -> submitit.AutoExecutor:
    executor = submitit.AutoExecutor(
        settings.logs, cluster=settings.cluster, slurm_max_num_timeout=settings.requeues
    )
    executor.update_parameters(
        name="lesionseg",
        timeout_min=max(1, round(60 * settings.hours)),
        cpus_per_task=settings.cpus,
        gpus_per_node=settings.gpus,
        mem_gb=settings.memory_gb,
        slurm_array_parallelism=settings.at_once or settings.shards,
        slurm_signal_delay_s=GRACE_SECONDS,
        **_place(settings),
    )
    return executor


def _merge_executor(settings: argparse.Namespace, array: str) -> submitit.AutoExecutor:
    """Return what merges once no shard is at work any more, however each of them ended."""
    executor = submitit.AutoExecutor(settings.logs, cluster=settings.cluster)
    executor.update_parameters(
        name="lesionseg-merge",
        timeout_min=60,
        cpus_per_task=1,
        mem_gb=4,
        slurm_additional_parameters={"dependency": f"afterany:{array}"},
        **_place(settings),
    )
    return executor


def _place(settings: argparse.Namespace) -> dict[str, str]:
    given = {f"slurm_{name}": getattr(settings, name) for name in ("partition", "account", "qos")}
    return {name: value for name, value in given.items() if value}


def _tell_failures(jobs: Sequence[submitit.Job[int]]) -> None:
    """Wait for the shards; one that could not go on is told, and the merge names it."""
    for number, job in enumerate(jobs, 1):
        if job.exception() is not None:
            print(f"shard {number}/{len(jobs)} did not end well; see {job.paths.stderr}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
