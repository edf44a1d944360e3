"""Shows a model in the browser: causalgan-explore --workdir=runs/faces, then open the address that it prints.

One page: labels are set or seen, and images, laws of labels, the same units without do, one unit under each value of a
label and the graph follow. --server=URL shows an exported model behind a server in place of a run. Needs the extra
[explore]: pip install "causalgan-tf[explore]". It is reached from this machine alone unless --host says otherwise.
"""

import pathlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from absl import flags

from causalgan_tf.cli import common
from causalgan_tf.errors import InputError, brief
from causalgan_tf.explorer.guard import is_local
from causalgan_tf.inference.served_model import ServedModel
from causalgan_tf.runs.run_folder import Run

if TYPE_CHECKING:
    import uvicorn

    from causalgan_tf.explorer.answers import Explorer
    from causalgan_tf.inference.causal_model import CausalModel

GROUPS = {  # what --help lists
    "Model": ("workdir", "server"),
    "Address": ("host", "port"),
}


def declare(values: flags.FlagValues) -> None:
    """The program's flags."""
    common.define(values, "workdir", "", "folder of the trained run, or builtin:faces")
    common.define(
        values, "server", "", "in place of --workdir: a served model, such as http://HOST:8501/v1/models/NAME"
    )
    common.define(values, "host", "127.0.0.1", "address to listen at; 0.0.0.0: whoever reaches this machine may ask")
    common.define(values, "port", 8700, "port to listen at; 0: a free one", low=0, high=65_535)


def main(values: flags.FlagValues) -> None:
    """Serves the page until it is interrupted."""
    if bool(values.workdir) == bool(values.server):
        raise InputError("causalgan-explore shows one model: expected --workdir or --server.")
    model, origin = opened(values)
    require_extra()
    # the port is taken before the model is loaded, which takes seconds
    with listening(values.host, values.port) as listener:
        common.start_tensorflow()
        from causalgan_tf.explorer.answers import Explorer

        serve(Explorer(model(), origin), values.host, listener)


def opened(values: flags.FlagValues) -> "tuple[Callable[[], CausalModel | ServedModel], dict[str, str]]":
    """What loads the model, and where it is from."""
    if values.server:
        served = ServedModel(values.server)
        return lambda: served, {"server": served.url}
    return Run.open(common.folder(values, "workdir")).model, {"workdir": shown_place(values.workdir, values.host)}


def serve(explorer: "Explorer", host: str, listener: socket.socket) -> None:
    """Answers at a bound socket until a signal ends it; a first answer compiles what the page will ask for."""
    explorer.answer({})
    print(f"Open {address(listener)} (Ctrl+C ends)", flush=True)
    server(explorer, host).run(sockets=[listener])


def server(explorer: "Explorer", host: str) -> "uvicorn.Server":
    """A server of the page."""
    import uvicorn

    from causalgan_tf.explorer.app import build

    # a page asks over HTTP alone
    config = uvicorn.Config(build(explorer, host), log_level="warning", server_header=False, ws="none", lifespan="off")
    return uvicorn.Server(config)


def require_extra() -> None:
    """InputError unless what serves the page is installed."""
    try:
        import starlette
        import uvicorn

        del starlette, uvicorn
    except ImportError as error:
        raise InputError(
            f'causalgan-explore needs the extra [explore]: pip install "causalgan-tf[explore]" ({brief(error, 60)}).'
        ) from error


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; InputError for an address that is not this machine's or a port that is taken."""
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        raise InputError(
            f"--host={brief(host, 60)} --port={port}: {error.strerror or error}. Choose another port, or 0 for a free "
            "one, and an address of this machine, such as 127.0.0.1."
        ) from error


def address(listener: socket.socket) -> str:
    """What to open in the browser."""
    host, port = listener.getsockname()[:2]
    local = "localhost" if host in ("0.0.0.0", "::") else host
    return f"http://[{local}]:{port}/" if ":" in local else f"http://{local}:{port}/"


def shown_place(workdir: str, host: str) -> str:
    """The folder as the page names it: as it was given, but to other machines by its last name alone."""
    return workdir if is_local(host) else pathlib.Path(workdir).name


def program() -> None:
    """The command causalgan-explore."""
    common.run(declare, main, groups=GROUPS)


if __name__ == "__main__":
    program()
