"""A real SLURM on this machine, for tests: one controller, accounting, three nodes, loopback only.

    python -m tests.slurm.cluster up|down [folder]

Needs Debian and root. The nodes are three daemons that pretend more CPUs, memory and GPUs than there are.
GPUs are character devices without a driver: jobs get CUDA_VISIBLE_DEVICES and nothing behind it.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = ["slurmctld", "slurmd", "slurm-client", "slurmdbd", "munge", "mariadb-server"]
NODES = ["n1", "n2", "n3"]
GPU_NODES = NODES[1:]
GPUS = 2
PORT = 26800
ETC = Path("/etc/slurm")

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={lab}/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={lab}/slurmctld.pid
SlurmctldLogFile={lab}/log/slurmctld.log
SlurmdPidFile={lab}/slurmd.%n.pid
SlurmdLogFile={lab}/log/slurmd.%n.log
SlurmdSpoolDir={lab}/spool/%n
StateSaveLocation={lab}/state
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=bf_interval=2,batch_sched_delay=0
DefMemPerCPU=500
GresTypes=gpu
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=600
SlurmctldTimeout=30
SlurmdTimeout=10
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
RebootProgram=/bin/true
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStoragePass={lab}/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
{nodes}
PartitionName=cpu Nodes=n1 Default=YES MaxTime=2-00:00:00 PriorityTier=10
PartitionName=gpu Nodes=n2,n3 MaxTime=2-00:00:00 PriorityTier=10
PartitionName=short Nodes=n2,n3 MaxTime=1 PriorityTier=10
PartitionName=urgent Nodes=ALL MaxTime=90 PriorityTier=100
PartitionName=scavenge Nodes=n2 MaxTime=60 PriorityTier=1 PreemptMode=REQUEUE
"""

SLURMDBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={lab}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser=root
PidFile={lab}/slurmdbd.pid
LogFile={lab}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
"""


class Cluster:
    """The daemons of one test cluster, all below one folder."""

    def __init__(self, lab: Path) -> None:
        self.lab = lab.resolve()
        self.host = socket.gethostname().split(".")[0]

    def up(self) -> None:
        """Install what is missing and start everything; daemons that run already are left alone."""
        install()
        for folder in ("log", "spool", "state", "munge", "db", "dev"):
            (self.lab / folder).mkdir(parents=True, exist_ok=True)
        self.configure()
        self.start_munge()
        self.start_accounting()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        wait(self.idle, "three idle nodes", 60)

    def down(self) -> None:
        """Stop everything and remove the folder."""
        subprocess.run(["scancel", "--user=root"], capture_output=True, timeout=20, check=False)
        for name in [*(f"slurmd.{n}" for n in NODES), "slurmctld", "slurmdbd", "mariadb", "munged"]:
            self.kill(name, signal.SIGTERM)
        for file in ("slurm.conf", "gres.conf"):
            if (ETC / file).is_symlink():
                (ETC / file).unlink()
        shutil.rmtree(self.lab, ignore_errors=True)

    def configure(self) -> None:
        """Write the configuration; /etc/slurm links to it, since job steps drop SLURM_CONF."""
        lines = [
            f"NodeName={n} NodeHostname={self.host} NodeAddr=127.0.0.1 Port={PORT + 10 + i} CPUs=16 "
            f"RealMemory=64000 State=UNKNOWN" + (f" Gres=gpu:test:{GPUS}" if n in GPU_NODES else "")
            for i, n in enumerate(NODES)
        ]
        known = {"host": self.host, "lab": self.lab, "port": PORT, "dbd_port": PORT + 1}
        (self.lab / "slurm.conf").write_text(SLURM_CONF.format(**known, nodes="\n".join(lines)).lstrip())
        gpu = f"Name=gpu Type=test File={self.lab}/dev/nvidia[0-{GPUS - 1}]"
        (self.lab / "gres.conf").write_text("".join(f"NodeName={n} {gpu}\n" for n in GPU_NODES))
        for i in range(GPUS):
            device = self.lab / f"dev/nvidia{i}"
            if not device.exists():
                os.mknod(device, 0o20666, os.makedev(1, 3))
        dbd = self.lab / "slurmdbd.conf"
        dbd.write_text(SLURMDBD_CONF.format(**known).lstrip())
        dbd.chmod(0o600)
        ETC.mkdir(exist_ok=True)
        for file in ("slurm.conf", "gres.conf"):
            if (ETC / file).exists() and not (ETC / file).is_symlink():
                sys.exit(f"{ETC / file} belongs to a real cluster: nothing is touched")
            (ETC / file).unlink(missing_ok=True)
            (ETC / file).symlink_to(self.lab / file)

    def start_munge(self) -> None:
        """Authentication, with a key of its own."""
        home = self.lab / "munge"
        if self.alive("munged"):
            return
        shutil.chown(home, "munge", "munge")
        if not (home / "key").exists():
            (home / "key").write_bytes(os.urandom(128))
            (home / "key").chmod(0o400)
            shutil.chown(home / "key", "munge", "munge")
        options = {
            "key-file": "key",
            "socket": "socket",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        command = ["munged", "--force", *(f"--{k}={home / v}" for k, v in options.items())]
        subprocess.run(["runuser", "-u", "munge", "--", *command], check=True)
        wait(lambda: (home / "pid").exists() and bool((home / "pid").read_text()), "munged", 10)
        shutil.copy(home / "pid", self.lab / "munged.pid")

    def start_accounting(self) -> None:
        """MariaDB on a socket of its own, and slurmdbd."""
        db = self.lab / "db"
        if not self.alive("mariadb"):
            shutil.chown(db, "mysql", "mysql")
            common = ["--no-defaults", f"--datadir={db}/data", "--user=mysql"]
            if not (db / "data").exists():
                auth = "--auth-root-authentication-method=socket"
                subprocess.run(
                    ["mariadb-install-db", *common, auth, "--skip-test-db"], check=True, capture_output=True
                )
            options = [f"--socket={db}/socket", f"--pid-file={db}/pid", "--skip-networking", "--skip-log-bin"]
            size = ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
            self.daemon("mariadb", ["mariadbd", *common, *options, *size])
            ping = ["mariadb-admin", "--no-defaults", f"--socket={db}/socket", "ping"]
            wait(lambda: works(ping), "mariadb", 60)
        if not self.alive("slurmdbd"):
            env = os.environ | {"MYSQL_UNIX_PORT": f"{db}/socket", "SLURM_CONF": str(self.lab / "slurm.conf")}
            subprocess.run(["slurmdbd"], check=True, env=env)
            wait(lambda: works(["sacctmgr", "-n", "list", "cluster"]), "slurmdbd", 60)
            for what in (["cluster", "test"], ["account", "lab", "cluster=test"]):
                subprocess.run(["sacctmgr", "-i", "add", *what], capture_output=True, check=False)
            user = ["user", "root", "account=lab", "defaultaccount=lab"]
            subprocess.run(["sacctmgr", "-i", "add", *user], capture_output=True, check=False)

    def start_controller(self) -> None:
        """The controller; it finds its jobs again after a restart."""
        if not self.alive("slurmctld"):
            subprocess.run(["slurmctld"], check=True)
        wait(lambda: works(["scontrol", "ping"]), "slurmctld", 30)

    def start_node(self, node: str) -> None:
        """One node's daemon."""
        if not self.alive(f"slurmd.{node}"):
            (self.lab / f"spool/{node}").mkdir(parents=True, exist_ok=True)
            subprocess.run(["slurmd", "-N", node], check=True)

    def idle(self) -> bool:
        """Whether all nodes take jobs; nodes left down by an earlier life are called back."""
        rows = output("sinfo", "-h", "-N", "-o", "%N %T").split("\n")
        states = dict(row.split() for row in rows if row)
        for node, state in states.items():
            if state.startswith(("down", "drain")):
                subprocess.run(["scontrol", "update", f"node={node}", "state=resume"], capture_output=True)
        return all(states.get(n) in ("idle", "mixed", "allocated") for n in NODES)

    def daemon(self, name: str, command: list[str]) -> None:
        """Start a program in the background."""
        log = (self.lab / f"log/{name}.out").open("w")
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        (self.lab / f"{name}.pid").write_text(str(process.pid))

    def pid(self, name: str) -> int | None:
        """Process id of a daemon, if it lives."""
        try:
            pid = int((self.lab / f"{name}.pid").read_text())
            status = Path(f"/proc/{pid}/status").read_text()
        except (OSError, ValueError):
            return None
        mine = status.startswith(f"Name:\t{name.split('.')[0]}")
        return pid if mine and "State:\tZ" not in status else None

    def alive(self, name: str) -> bool:
        """Whether a daemon lives."""
        return self.pid(name) is not None

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a daemon and wait for its end."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, number)
            wait(lambda: not self.alive(name), f"the end of {name}", 30)


def install() -> None:
    """Install SLURM from Debian's packages, without starting its services."""
    if all(shutil.which(p) for p in ("slurmctld", "slurmd", "slurmdbd", "squeue", "munged", "mariadbd")):
        return
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=env)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
    finally:
        if ours:
            policy.unlink()


def reason() -> str | None:
    """Why the cluster cannot be brought up here; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("apt-get"):
        return "needs Debian's packages"
    if (ETC / "slurm.conf").exists() and not (ETC / "slurm.conf").is_symlink():
        return "this machine belongs to a real cluster"
    return None


def output(*command: str) -> str:
    """Standard output of a command that must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def works(command: list[str]) -> bool:
    """Whether a command succeeds."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait(ready: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait until something is so; fails after some seconds."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.2)


if __name__ == "__main__":
    cluster = Cluster(Path(sys.argv[2] if len(sys.argv) > 2 else "/tmp/landloom-slurm"))
    if why := reason():
        sys.exit(f"no SLURM here: {why}")
    cluster.up() if sys.argv[1] == "up" else cluster.down()
