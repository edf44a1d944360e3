"""KServe's server in a process of its own, in an environment of its own beside this one's TensorFlow.

KServe asks for an older pandas and protobuf than the package is tested with. They are installed once into a folder of
the user's cache, which stands before this environment's packages in that process alone.
"""

import contextlib
import importlib.metadata
import os
import pathlib
import pickle
import re
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).parents[2]
VERSION = "0.21.0"
STARTED = 120  # seconds until the server answers at most


def packages():
    """The folder of KServe's packages, installed if it is not there: about a minute."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = cache / "causalgan_tf" / f"kserve-{VERSION}-py{sys.version_info[0]}{sys.version_info[1]}"
    if not folder.is_dir():
        # TensorFlow was built for this numpy
        wanted = [f"kserve=={VERSION}", f"numpy=={importlib.metadata.version('numpy')}"]
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        line = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(partial), *wanted]
        done = subprocess.run(line, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2_000:]
        with contextlib.suppress(OSError):  # another process was first
            partial.rename(folder)
    return folder


def environment():
    """Variables of KServe's processes."""
    return os.environ | {"PYTHONPATH": str(packages()), "TF_CPP_MIN_LOG_LEVEL": "3"}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def serving(folders, log):
    """The ports of REST and gRPC, and the process, of a KServe server of models, name to the folder of a version."""
    rest, grpc = free_port(), free_port()
    line = [sys.executable, "tools/serving/kserve_server.py", *(f"{name}={folder}" for name, folder in folders.items())]
    line += [f"--http_port={rest}", f"--grpc_port={grpc}", "--enable_latency_logging=false"]
    with open(log, "wb") as file:
        server = subprocess.Popen(line, cwd=ROOT, env=environment(), stdout=file, stderr=file)
    try:
        start = time.monotonic()
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{rest}/v1/models", timeout=5).close()
                break
            running = server.poll() is None and time.monotonic() - start < STARTED
            assert running, pathlib.Path(log).read_text()[-2_000:]
            time.sleep(0.2)
        yield rest, grpc, server
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def resident(process):
    """Memory of a process, MB."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{process}/status").read_text())[1]) / 1024


def ask(url, requests, place, clients=1):
    """The answers of a server to requests, (model, signature, inputs) each, by KServe's own client."""
    asked, found = place / "asked.pickle", place / "found.pickle"
    asked.write_bytes(pickle.dumps(requests))
    line = [sys.executable, "tools/serving/kserve_client.py", url, str(asked), str(found), str(clients)]
    done = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return pickle.loads(found.read_bytes())
