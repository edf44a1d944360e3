"""Who trains together: TF_CONFIG, SLURM's variables and a JobSet's, and the files in tools/cluster that make them."""

import json
import pathlib
import re
import subprocess

import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.system import clusters
from causalgan_tf.system.clusters import Cluster

TOOLS = pathlib.Path(__file__).parents[1] / "tools" / "cluster"
STEP = {  # a step of three tasks on two nodes, as SLURM's srun says it
    "SLURM_JOB_ID": "731",
    "SLURM_STEP_NODELIST": "n[007-008]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_PROCID": "2",
    "SLURM_NODEID": "1",
}
PODS = {"CAUSALGAN_HOSTS": "faces-{}.net", "CAUSALGAN_WORKERS": "2", "JOB_COMPLETION_INDEX": "1"}


def config(cluster, task):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def test_a_chief_is_the_first_of_the_workers():
    jobs = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}
    assert Cluster.of(config(jobs, {"type": "chief", "index": 0})) == Cluster(("a:1", "b:1", "c:1"), 0)
    assert Cluster.of(config(jobs, {"type": "worker", "index": "1"})).number == 2


def test_tf_config_is_as_tensorflow_reads_it(monkeypatch):
    import tensorflow as tf

    monkeypatch.setenv("TF_CONFIG", Cluster(("a:1", "b:2"), 1).tf_config)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    assert resolver.cluster_spec().as_dict() == {"worker": ["a:1", "b:2"]}
    assert (resolver.task_type, resolver.task_id) == ("worker", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{cluster}", "TF_CONFIG is no JSON"),
        ("[" * 100_000, "TF_CONFIG is no JSON"),
        ("[]", "it has no cluster"),
        ('{"task": {"type": "worker", "index": 0}}', "it has no cluster"),
        ('{"cluster": []}', "it has no cluster"),
        ('{"cluster": {"ps": ["a:1"]}}', "tasks of type 'ps'"),
        ('{"cluster": {"worker": "a:1"}}', "its worker is no list of addresses"),
        ('{"cluster": {"worker": [1]}}', "its worker is no list of addresses"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}}', "it has 2 chiefs"),
        ('{"cluster": {"worker": ["a:1"]}}', "it has no task"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"index": 0}}', "it has no task"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}', "of which its cluster has none"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}', "0 to 1 exist"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}', "0 to 0 exist"),
        ('{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}', "'a' is no address"),
        ('{"cluster": {"worker": ["a:99999"]}, "task": {"type": "worker", "index": 0}}', "is no address"),
        ('{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}', "a:1 is there twice"),
    ],
)
def test_a_malformed_tf_config_is_refused_with_what_is_wrong(text, message):
    with pytest.raises(InputError, match=message) as refused:
        Cluster.of({"TF_CONFIG": text})
    assert len(str(refused.value)) < 600


def test_a_program_without_a_cluster_is_told_how_to_name_one():
    # an allocation alone is no step: its one process would wait for workers that nobody starts
    with pytest.raises(InputError, match="Set TF_CONFIG='.*srun.*tools/cluster"):
        Cluster.of({"SLURM_JOB_NODELIST": "n1", "SLURM_PROCID": "0"})


def test_tasks_of_a_slurm_node_have_ports_in_a_row():
    first = clusters.SLURM_PORTS[731]
    expected = (f"n007:{first}", f"n007:{first + 1}", f"n008:{first}")
    assert Cluster.of(STEP) == Cluster(expected, 2)


def test_slurm_tasks_are_shared_evenly_where_nothing_else_is_said():
    step = {name: value for name, value in STEP.items() if name != "SLURM_STEP_TASKS_PER_NODE"}
    assert Cluster.of(step).addresses == Cluster.of(STEP).addresses
    three = {"SLURM_STEP_TASKS_PER_NODE": "1(x2),1", "SLURM_STEP_NODELIST": "a,b,c", "SLURM_NODEID": "2"}
    assert Cluster.of(STEP | three).addresses == ("a:20731", "b:20731", "c:20731")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SLURM_STEP_NODELIST": "n[1-2"}, r"expected such as n\[001-003,7\]"),
        ({"SLURM_STEP_NODELIST": "n[2-1]"}, "'2-1' is no range"),
        ({"SLURM_STEP_NODELIST": "n[1-],m"}, "'1-' is no range"),
        ({"SLURM_STEP_NODELIST": "n1"}, "1 nodes have 3 tasks"),
        ({"SLURM_STEP_TASKS_PER_NODE": "2x"}, r"expected such as 2\(x3\),1"),
        ({"SLURM_PROCID": "3"}, "SLURM_PROCID=3: expected a whole number from 0 to 2"),
        ({"SLURM_STEP_NUM_TASKS": ""}, "SLURM_STEP_NUM_TASKS=: expected"),
        ({"SLURM_NODEID": "0"}, "--distribution=block"),
    ],
)
def test_slurm_variables_that_make_no_cluster_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Cluster.of(STEP | changes)


def test_pods_are_named_by_their_index():
    assert Cluster.of(PODS) == Cluster(("faces-0.net:2222", "faces-1.net:2222"), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"CAUSALGAN_HOSTS": "faces"}, "expected {} for a pod's index"),
        ({"CAUSALGAN_WORKERS": "0"}, "CAUSALGAN_WORKERS=0: expected a whole number of at least 1"),
        ({"JOB_COMPLETION_INDEX": "2"}, "JOB_COMPLETION_INDEX=2: expected a whole number from 0 to 1"),
        ({"CAUSALGAN_PORT": "http"}, "'faces-0.net:http' is no address"),
    ],
)
def test_variables_of_pods_that_make_no_cluster_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Cluster.of(PODS | changes)


def test_tf_config_goes_before_what_a_scheduler_says():
    both = STEP | PODS | config({"worker": ["a:1"]}, {"type": "worker", "index": 0})
    assert Cluster.of(both) == Cluster(("a:1",), 0)


@pytest.mark.extra("docs")  # brings PyYAML
def test_the_pods_of_the_job_set_find_each_other():
    import yaml

    jobs = yaml.safe_load((TOOLS / "jobset.yaml").read_text(encoding="utf-8"))
    (job,) = jobs["spec"]["replicatedJobs"]
    spec = job["template"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert spec["completionMode"] == "Indexed" and jobs["spec"]["network"]["enableDNSHostnames"]
    # Kubernetes: a pod of a JobSet is JOBSET-JOB-REPLICA-INDEX.JOBSET, and has its index in a variable
    pods = [f"{jobs['metadata']['name']}-{job['name']}-0-{index}" for index in range(spec["parallelism"])]
    port = container["ports"][0]["containerPort"]
    for index in range(spec["completions"]):
        found = json.loads(Cluster.of(given | {"JOB_COMPLETION_INDEX": str(index)}).tf_config)
        assert found == {
            "cluster": {"worker": [f"{pod}.{jobs['metadata']['name']}:{port}" for pod in pods]},
            "task": {"type": "worker", "index": index},
        }


def test_the_tasks_of_the_slurm_script_find_each_other(tmp_path):
    script = (TOOLS / "slurm.sh").read_text(encoding="utf-8")
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)$", script, re.MULTILINE))
    nodes, each = int(asked["nodes"]), int(asked["ntasks-per-node"])
    # srun of a stand-in writes what it was asked to start
    (tmp_path / "srun").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    command = ["bash", str(TOOLS / "slurm.sh"), "--workdir=runs/a b"]
    started = subprocess.run(
        command, env={"PATH": f"{tmp_path}:/bin:/usr/bin"}, capture_output=True, text=True, check=True
    )
    assert started.stdout.split("\n")[-4:] == ["causalgan-train", "--strategy=multi_worker", "--workdir=runs/a b", ""]
    assert "--distribution=block" in started.stdout
    step = {
        "SLURM_JOB_ID": "5",
        "SLURM_STEP_NODELIST": f"n[1-{nodes}]",
        "SLURM_STEP_TASKS_PER_NODE": f"{each}(x{nodes})",
    }
    for number in range(nodes * each):
        mine = {"SLURM_PROCID": str(number), "SLURM_NTASKS": str(nodes * each), "SLURM_NODEID": str(number // each)}
        found = json.loads(Cluster.of(step | mine).tf_config)
        assert found == {
            "cluster": {"worker": ["n1:20005", "n2:20005"]},
            "task": {"type": "worker", "index": number},
        }
