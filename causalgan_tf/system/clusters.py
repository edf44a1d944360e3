"""Processes on several machines that train together: who they are, as TF_CONFIG, Kubernetes or SLURM says it."""

import dataclasses
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from causalgan_tf.errors import InputError, brief

EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
JOBS = ("chief", "worker")  # whose tasks train; the first of them all is the chief
HOSTS, WORKERS, PORT = "CAUSALGAN_HOSTS", "CAUSALGAN_WORKERS", "CAUSALGAN_PORT"
DEFAULT_PORT = 2222
SLURM_PORTS = range(20_000, 30_000)  # a job takes those from its number on, so that jobs share a node


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Workers that train together, and which of them this process is.

    Attributes:
        addresses: host:port of every worker; the first is the chief.
        number: of this process among them.

    >>> cluster = Cluster.of({"TF_CONFIG": EXAMPLE})
    >>> cluster.addresses, cluster.number
    (('host1:2222', 'host2:2222'), 0)
    >>> cluster.tf_config == EXAMPLE
    True
    >>> cluster.told
    'worker 0 of 2 at host1:2222, waits for host2:2222'
    """

    addresses: tuple[str, ...]
    number: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Cluster":
        """The cluster that environment variables describe.

        TF_CONFIG goes before the variables of Kubernetes, and these before SLURM's.

        Raises:
            InputError: none of them is there, or what they say is no cluster.
        """
        if environment.get("TF_CONFIG"):
            return cls._checked("TF_CONFIG", *from_tf_config(environment["TF_CONFIG"]))
        if environment.get(HOSTS):
            return cls._checked(HOSTS, *from_kubernetes(environment))
        if environment.get("SLURM_STEP_NODELIST"):
            return cls._checked("SLURM_STEP_NODELIST", *from_slurm(environment))
        raise InputError(
            f"--strategy=multi_worker: no variable tells who trains together. Set TF_CONFIG='{EXAMPLE}' on every "
            f"worker, each with its own index. Or start them by srun, or as pods with {HOSTS}, as in tools/cluster."
        )

    @classmethod
    def _checked(cls, source: str, addresses: Sequence[str], number: int) -> "Cluster":
        """A cluster whose addresses are whole and differ."""
        for address in addresses:
            host, _, port = address.rpartition(":")
            if not host or not re.fullmatch(r"\d{1,5}", port) or not 0 < int(port) < 2**16:
                raise InputError(f"{source}: {brief(address)!r} is no address. Expected host:port, such as host1:2222.")
        twice = sorted({address for address in addresses if addresses.count(address) > 1})
        if twice:
            raise InputError(f"{source}: {twice[0]} is there twice. Give every worker an address of its own.")
        return cls(tuple(addresses), number)

    @property
    def told(self) -> str:
        """Which worker this is and for whom it waits, as a line."""
        others = [address for number, address in enumerate(self.addresses) if number != self.number]
        waits = f", waits for {brief(', '.join(others), 100)}" if others else ""
        return f"worker {self.number} of {len(self.addresses)} at {self.addresses[self.number]}{waits}"

    @property
    def tf_config(self) -> str:
        """The same, as TensorFlow defines TF_CONFIG."""
        return json.dumps(
            {"cluster": {"worker": list(self.addresses)}, "task": {"type": "worker", "index": self.number}}
        )


def from_tf_config(text: str) -> tuple[list[str], int]:
    """Addresses and number of TF_CONFIG; InputError where it is malformed."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"TF_CONFIG is no JSON ({error}): {brief(text)}. Expected such as {EXAMPLE}.") from error
    jobs = config.get("cluster") if isinstance(config, dict) else None
    if not isinstance(jobs, dict) or not jobs:
        raise _malformed("it has no cluster", text)
    if other := sorted(set(jobs) - set(JOBS)):
        raise _malformed(f"its cluster has tasks of type {brief(other[0])!r}; all train here: chief and worker", text)
    for job, tasks in jobs.items():
        if not isinstance(tasks, list) or not tasks or not all(isinstance(task, str) for task in tasks):
            raise _malformed(f"its {job} is no list of addresses", text)
    if len(jobs.get("chief", ())) > 1:
        raise _malformed(f"it has {len(jobs['chief'])} chiefs; one is expected", text)
    return [address for job in JOBS for address in jobs.get(job, ())], _task(config, jobs, text)


def _task(config: dict[str, Any], jobs: dict[str, list[str]], text: str) -> int:
    """The number of the task of TF_CONFIG among the tasks of all jobs."""
    task = config.get("task")
    if not isinstance(task, dict) or "type" not in task or "index" not in task:
        raise _malformed("it has no task with type and index", text)
    job, index = task["type"], task["index"]
    if job not in jobs:
        raise _malformed(f"its task is a {brief(job)!r}, of which its cluster has none", text)
    if not re.fullmatch(r"\d{1,6}", str(index)) or int(index) >= len(jobs[job]):
        count = len(jobs[job])
        raise _malformed(f"its task has the index {brief(index)}; of {count} {job} tasks 0 to {count - 1} exist", text)
    before = len(jobs.get("chief", ())) if job == "worker" else 0
    return before + int(index)


def _malformed(fault: str, text: str) -> InputError:
    return InputError(f"TF_CONFIG is malformed: {fault}. Expected such as {EXAMPLE}; got {brief(text, 160)}")


def from_kubernetes(environment: Mapping[str, str]) -> tuple[list[str], int]:
    """Addresses and number of the pods of an indexed Job, which a headless service or a JobSet names.

    CAUSALGAN_HOSTS is the pods' host name with {} for their index, CAUSALGAN_WORKERS their count, CAUSALGAN_PORT the
    port (2222); Kubernetes sets JOB_COMPLETION_INDEX.
    """
    hosts, port = environment[HOSTS], environment.get(PORT, str(DEFAULT_PORT))
    if "{}" not in hosts:
        raise InputError(f"{HOSTS}={brief(hosts)}: expected {{}} for a pod's index, such as faces-{{}}.faces.")
    count = _number(environment, WORKERS, 1)
    number = _number(environment, "JOB_COMPLETION_INDEX", 0, count - 1)
    return [f"{hosts.replace('{}', str(index))}:{port}" for index in range(count)], number


def from_slurm(environment: Mapping[str, str]) -> tuple[list[str], int]:
    """Addresses and number of the tasks of a SLURM step; tasks of a node have ports in a row.

    The tasks must lie block by block, as srun puts them: a node's tasks have numbers in a row.
    """
    count_name = "SLURM_STEP_NUM_TASKS" if "SLURM_STEP_NUM_TASKS" in environment else "SLURM_NTASKS"
    count = _number(environment, count_name, 1)
    number = _number(environment, "SLURM_PROCID", 0, count - 1)
    nodes = list(node_names(environment["SLURM_STEP_NODELIST"]))
    each = _tasks_of_nodes(environment, count, len(nodes))
    if len(each) != len(nodes) or sum(each) != count:
        raise InputError(
            f"SLURM: {len(nodes)} nodes have {sum(each)} tasks, and {count_name}={count}. Start the workers by srun, "
            "or set TF_CONFIG."
        )
    first = SLURM_PORTS[_number(environment, "SLURM_JOB_ID", 0) % (len(SLURM_PORTS) - max(each))]
    places = [(node, place) for node, tasks in enumerate(each) for place in range(tasks)]
    node, place = places[number]
    if environment.get("SLURM_NODEID", str(node)) != str(node):
        raise InputError("SLURM deals the tasks out over the nodes. Start the workers by srun --distribution=block.")
    return [f"{nodes[node]}:{first + place}" for node, place in places], number


def _tasks_of_nodes(environment: Mapping[str, str], count: int, nodes: int) -> list[int]:
    """Tasks of each node, of SLURM's text such as 2(x3),1; shared evenly where it says nothing."""
    text = environment.get("SLURM_STEP_TASKS_PER_NODE") or environment.get("SLURM_TASKS_PER_NODE")
    if not text:
        return [count // nodes + (node < count % nodes) for node in range(nodes)]
    tasks = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,6})(?:\(x(\d{1,6})\))?", part)
        if not match:
            raise InputError(f"SLURM_STEP_TASKS_PER_NODE={brief(text)}: expected such as 2(x3),1. Or set TF_CONFIG.")
        tasks += [int(match[1])] * int(match[2] or 1)
    return tasks


def node_names(text: str) -> Iterator[str]:
    """The names of SLURM's list of nodes.

    Args:
        text: names with ranges in brackets.

    Raises:
        InputError: a bracket or a range that is not whole.

    Examples:
        >>> list(node_names("n[001-003,7],login"))
        ['n001', 'n002', 'n003', 'n7', 'login']
        >>> list(node_names("rack[1-2]-[a,b]"))
        ['rack1-a', 'rack1-b', 'rack2-a', 'rack2-b']
    """
    for name in re.split(r",(?![^\[]*\])", text.strip()):
        parts = re.split(r"\[([^\[\]]*)\]", name)  # outside, inside, outside, ...
        if not name or any("[" in part or "]" in part for part in parts):
            raise InputError(f"SLURM_STEP_NODELIST={brief(text)}: expected such as n[001-003,7]. Or set TF_CONFIG.")
        choices = [list(_ranges(part, text)) if place % 2 else [part] for place, part in enumerate(parts)]
        yield from map("".join, itertools.product(*choices))


def _ranges(inside: str, text: str) -> Iterator[str]:
    """What a bracket stands for: 001-003,7."""
    for part in inside.split(","):
        match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", part)
        if match and int(match[1]) <= int(match[2]):
            yield from (str(number).zfill(len(match[1])) for number in range(int(match[1]), int(match[2]) + 1))
        elif re.fullmatch(r"\w+", part):
            yield part
        else:
            raise InputError(f"SLURM_STEP_NODELIST={brief(text)}: {brief(part)!r} is no range. Or set TF_CONFIG.")


def _number(environment: Mapping[str, str], name: str, low: int, high: int | None = None) -> int:
    """A variable that is a whole number; InputError if it is missing or outside."""
    text = environment.get(name, "")
    if not re.fullmatch(r"\d{1,12}", text) or int(text) < low or (high is not None and int(text) > high):
        limits = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise InputError(f"{name}={brief(text)}: expected a whole number {limits}. Set it, or set TF_CONFIG.")
    return int(text)
