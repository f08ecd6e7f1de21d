"""A real Slurm on one machine: munge, a controller and virtual nodes on loopback, all of it in one folder."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGES = "slurm-wlm munge"
PROGRAMS = ("munged", "slurmctld", "slurmd", "squeue", "scontrol", "sbatch", "srun")

# No accounting, no cgroups, no systemd. Credentials expire early because Slurm puts off a requeued job for as long as
# they live, and a silent node is given up after seconds. The nodes claim more than the machine has.
CONFIG = """\
ClusterName=virtual
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
StateSaveLocation={folder}/state
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdSpoolDir={folder}/spool-%n
SlurmdParameters=config_overrides
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/task_prolog
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
MinJobAge=600
SlurmdTimeout=5
SchedulerParameters=bf_interval=1,sched_interval=1
ReturnToService=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

# The executor takes SLURM_CONF away from the srun that it calls inside a job.
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""

# Where each task runs and what it sees of the GPUs, as Slurm gives it.
TASK_PROLOG = """\
#!/bin/sh
echo "$SLURM_JOB_ID $SLURMD_NODENAME ${{CUDA_VISIBLE_DEVICES:-none}}" >> {folder}/tasks
"""


def missing() -> str:
    """Return what this machine lacks to start a Slurm, or an empty text."""
    if absent := [program for program in PROGRAMS if not shutil.which(program, path=search_path())]:
        return f"no {', '.join(absent)}: apt-get install {PACKAGES}"
    return "" if os.geteuid() == 0 else "only root can start a Slurm whose jobs are root's"


def search_path() -> str:
    """Return PATH with the folders of daemons, which a user's lacks."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll until `condition` holds. **Raises**: AssertionError naming `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Cluster:
    """A running Slurm, all of whose state is in `folder`."""

    folder: Path
    nodes: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{search_path()}"
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def ask(self, *command: str) -> str:
        """Return what a Slurm command prints; they hang for minutes when the controller is gone."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False).stdout

    def states(self) -> dict[str, str]:
        """Return the state of each node by its name."""
        lines = self.ask("sinfo", "-N", "-h", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    def jobs(self) -> list[dict[str, str]]:
        """Return what the controller knows of each job, running or ended."""
        lines = self.ask("scontrol", "-o", "show", "job").splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if "JobId" in line]

    def tasks(self) -> list[tuple[str, str, str]]:
        """Return of each task that began its job, node and CUDA_VISIBLE_DEVICES."""
        file = self.folder / "tasks"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(job, node, devices) for job, node, devices in map(str.split, lines)]

    def start_node(self, node: str) -> None:
        """Start the node's daemon, whose return ends the start."""
        command = ["slurmd", "-N", node, "-f", str(self.folder / "slurm.conf")]
        environment = {**os.environ, **self.environment}
        subprocess.run(command, env=environment, check=True, timeout=30, stdin=subprocess.DEVNULL)

    def kill_node(self, node: str) -> None:
        """Kill the node's daemon and all that its jobs started, as a power cut would."""
        of_node = {job for job, where, _ in self.tasks() if where == node}
        os.kill(int((self.folder / f"slurmd-{node}.pid").read_text()), signal.SIGKILL)
        self.kill_jobs(of_node)

    def kill_jobs(self, jobs: set[str]) -> None:
        """Kill Slurm's step daemons of these jobs and every process started in them."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                title = (folder / "cmdline").read_bytes().decode(errors="replace")
                variables = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
                if f"SLURM_CONF={self.folder}/slurm.conf" in variables and any(
                    title.startswith(f"slurmstepd: [{job}.") or f"SLURM_JOB_ID={job}" in variables for job in jobs
                ):
                    os.kill(int(folder.name), signal.SIGKILL)
            except OSError:  # it ended meanwhile, or is not ours
                continue


@contextmanager
def slurm(folder: Path, nodes: tuple[str, ...] = ("n1", "n2")) -> Iterator[Cluster]:
    """Start a Slurm whose last node has a GPU that is none, and stop it by its pid files however the block ends."""
    cluster = Cluster(folder, nodes)
    environment = {**os.environ, **cluster.environment}
    (folder / "state").mkdir(parents=True)
    control, *ports = free_ports(1 + len(nodes))
    host = socket.gethostname().split(".")[0]
    lines = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=16000"
        + (" Gres=gpu:1" if node == nodes[-1] else "")
        for node, port in zip(nodes, ports, strict=True)
    ]
    config = CONFIG.format(folder=folder, host=host, control=control, nodes="\n".join(lines))
    (folder / "slurm.conf").write_text(config)
    (folder / "gres.conf").write_text(f"NodeName={nodes[-1]} Name=gpu File=/dev/null\n")
    (folder / "bin").mkdir()
    for name, text in {"task_prolog": TASK_PROLOG, "bin/srun": SRUN}.items():
        (folder / name).write_text(text.format(folder=folder, srun=shutil.which("srun", path=search_path())))
        (folder / name).chmod(0o755)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    own = {"key": "key-file", "socket": "socket", "pid": "pid-file", "log": "log-file", "seed": "seed-file"}
    munged = ["munged", "--force", *(f"--{option}={folder}/munge.{suffix}" for suffix, option in own.items())]
    try:
        subprocess.run(munged, env=environment, check=True, timeout=30, capture_output=True)
        subprocess.run(["slurmctld", "-f", str(folder / "slurm.conf")], env=environment, check=True, timeout=30)
        for node in nodes:
            cluster.start_node(node)
        wait_for(lambda: set(cluster.states().values()) == {"idle"}, "idle nodes")
        yield cluster
    finally:
        cluster.ask("scancel", "--user=root")
        stop([folder / f"slurmd-{node}.pid" for node in nodes])
        stop([folder / "slurmctld.pid"])
        stop([folder / "munge.pid"])
        cluster.kill_jobs({job for job, *_ in cluster.tasks()})


def stop(pid_files: list[Path]) -> None:
    """End the processes that wrote these files, and wait until they have ended."""
    pids = [int(file.read_text()) for file in pid_files if file.exists()]
    for pid in pids:
        if alive(pid):
            os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not any(alive(pid) for pid in pids), "the end of Slurm's daemons")


def alive(pid: int) -> bool:
    """Say whether the process exists and is no zombie, which nobody may reap in a container."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
