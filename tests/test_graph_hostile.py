"""Hostile and damaged graph files: a graph or one short message, in seconds, without much memory."""

import gzip
import random
import time

import pytest

from causalgan_tf.errors import InputError
from causalgan_tf.graphs.formats import read_graph, read_network, write_graph
from causalgan_tf.graphs.graph import CausalGraph
from causalgan_tf.graphs.loading import load_graph

MANY = 100_000
FORMS = ["", ".txt", ".dot", ".gv", ".dagitty", ".gml", ".json", ".cg", ".list"]
BIF = (
    'network "x" { property p ; }\nvariable A { type discrete [ 2 ] { yes, no }; }\n'
    "variable B { type discrete [ 2 ] { on, off }; }\nprobability ( A ) { table 0.5, 0.5; }\n"
    "probability ( B | A ) { (yes) 0.1, 0.9; (no) 0.5, 0.5; }\n"
)
MORE = {
    ".bif": BIF,
    ".csv": 'from,to\nA,B\nB,"C d"\n',
    ".graphml": '<graphml><graph edgedefault="directed"><node id="a"/><edge source="a" target="b"/></graph></graphml>',
    ".json": '{"directed": true, "nodes": [{"id": 0, "label": "A"}, {"id": 1}], "links": [{"source": 0, "target": 1}]}',
    ".dot": 'digraph { node [style=invis]; d; subgraph x { A [label="b"]; { A B } -> C [dir=both] } /* c */ }',
}


def outcome(path):
    """The graph, or the message of its error."""
    try:
        return read_graph(path)
    except InputError as problem:
        return str(problem)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # nesting
        ("a.json", "[" * MANY),
        ("b.json", '{"a":' * MANY),
        ("c.json", '{"a":' + "[" * 900 + "]" * 900 + "}"),
        ("a.list", "[" * MANY),
        ("b.list", "[" * 90 + "]" * 90),
        ("a.dot", "digraph {" + "subgraph{" * MANY),
        ("b.dot", "digraph {" + "{" * MANY),
        ("a.dagitty", "dag {" + "subgraph{" * MANY),
        ("a.gml", "graph [ " + "a [ " * MANY),
        ("a.graphml", "<graphml>" + "<a>" * MANY),
        # text that matching could go over again and again
        ("a.bif", "network x {} /*" + "a" * 2**20),
        ("b.bif", "/* " * 300_000),
        ("c.bif", "a " * 200_000),
        ("d.bif", "network x {} probability ( " + " a" * 200_000),
        ("c.dot", "digraph {" + "/* " * 300_000),
        ("d.dot", 'digraph {"' + '\\"' * 300_000),
        ("e.dot", "digraph { a [label=" + "<a " * 300_000),
        ("i.dot", "digraph {" + "a " * 4_000_000 + "}"),
        ("j.dot", "digraph { a " + "[a] " * 700_000 + "}"),
        ("a.txt", '"\\' * 300_000),
        ("b.txt", "- " * 300_000),
        ("c.txt", "<" * 300_000),
        ("d.txt", "A: " + " " * 500_000 + "!"),
        ("j.txt", "A: binary" + " " * 500_000 + "!"),
        ("d.json", "{" + ",".join(f'"k{i % 50_000}":[]' for i in range(MANY)) + "}"),
        # numbers of nodes and edges that a few words state
        ("f.dot", "digraph {{" + " ".join(f"a{i}" for i in range(5_000)) + "} -> {"
         + " ".join(f"b{i}" for i in range(5_000)) + "}}"),
        ("e.txt", ",".join(f"a{i}" for i in range(4_000)) + " -> " + ",".join(f"b{i}" for i in range(4_000))),
        ("f.txt", ";".join(f"a{i}" for i in range(MANY))),
        ("a.csv", "from,to\n" + "".join(f"a{i},b{i}\n" for i in range(MANY))),
        # values of other kinds than names
        ("e.json", '{"nodes":[{"id":' + "1" * 5_000 + '}],"links":[]}'),
        ("f.json", '{"nodes":[{"id":{"a":1}}],"links":[]}'),
        ("g.json", '{"nodes":[{"id":[1]}],"links":[]}'),
        ("h.json", '{"nodes":[5,{"id":1}],"links":[]}'),
        ("i.json", '{"nodes":[{"id":1}],"links":[{"source":[1],"target":{}}]}'),
        ("j.json", '{"nodes":[{"id":1}],"links":7}'),
        ("k.json", '{"\\ud800": []}'),
        ("b.gml", "graph [ node 5 ]"),
        ("c.gml", "graph [ directed 1 node [ id [ x 1 ] ] ]"),
        ("d.gml", "graph [ directed 1 node [ id " + "9" * 5_000 + " ] ]"),
        ("e.gml", "graph [ directed 1 node [ id 0 ] edge [ source [ a 1 ] target 0 ] ]"),
        # long words, which a message must not repeat
        ("g.txt", "a" * 300_000 + " -> b"),
        ("h.txt", "A: " + "x" * 300_000),
        ("i.txt", "A: categorical(" + "x" * 300_000 + ")"),
        ("g.dot", "digraph { a " + "-" * 300_000 + " b }"),
        ("h.dot", "digraph { a -> b [kind=" + "x" * 300_000 + "] a [kind=" + "x" * 300_000 + "] }"),
        ("a.cg", "<NODES>\na\n<EDGES>\na " + "-" * 300_000 + " a"),
        ("l.json", '{"' + "x" * 300_000 + '": 5}'),
        ("a." + "x" * 200, "A"),
    ],
)  # fmt: skip
def test_a_hostile_file_ends_in_one_short_message_within_seconds(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    start = time.process_time()
    found = outcome(tmp_path / name)
    assert isinstance(found, str) and len(found) <= 300
    assert time.process_time() - start < 10


def test_what_is_unpacked_and_read_is_limited(tmp_path):
    (tmp_path / "bomb.bif.gz").write_bytes(gzip.compress(b" " * (2**26 + 1), 1))
    assert "larger than 64 MB, unpacked" in outcome(tmp_path / "bomb.bif.gz")
    packed = gzip.compress(BIF.encode())
    for place, damaged in enumerate((packed[:40], packed[:20] + b"\xff" * 40, b"", BIF.encode())):
        (tmp_path / f"{place}.bif.gz").write_bytes(damaged)
        assert len(outcome(tmp_path / f"{place}.bif.gz")) <= 300
    (tmp_path / "folder.dot").mkdir()
    assert "cannot be read" in outcome(tmp_path / "folder.dot")


def test_a_table_that_fits_no_memory_is_refused(tmp_path):
    names = [f"v{i}" for i in range(30)]
    text = "".join(f"variable {name} {{ type discrete [ 2 ] {{ a, b }}; }}\n" for name in names)
    text += "".join(f"probability ( {name} ) {{ table .5 .5; }}\n" for name in names[1:])
    text += f"probability ( v0 | {', '.join(names[1:])} ) {{ default .5 .5; }}\n"
    (tmp_path / "net.bif").write_text(text)
    assert len(read_graph(tmp_path / "net.bif")) == 30
    with pytest.raises(InputError, match="v0: a table of more than 10,000,000 numbers"):
        read_network(tmp_path / "net.bif")


def test_a_megabyte_is_read_in_seconds(tmp_path):
    edges = "; ".join(f"node_with_a_name_{i} -> node_with_a_name_{i + 1}" for i in range(9_000))
    start = time.process_time()
    for name, text in {"a.txt": edges, "a.dot": f"digraph {{ {edges} }}"}.items():
        (tmp_path / name).write_text(text + " " * 500_000)
        assert len(read_graph(tmp_path / name).edges) == 9_000
    assert time.process_time() - start < 15


def mutated(text, source):
    """The text with a few of its pieces cut, doubled, moved or replaced."""
    for _ in range(source.randint(1, 4)):
        first, last = sorted(source.randint(0, len(text)) for _ in range(2))
        piece = text[first : min(last, first + 30)]
        text = source.choice([
            text[:first] + text[first + len(piece):],
            text[:first] + piece * source.choice([2, 50]) + text[first + len(piece):],
            text[:last] + piece + text[last:],
            text[:first] + source.choice(['"', "{", "}", "[", "]", "->", "\\", "\0", "é", "#", "/*", "<", "1e999", ",",
                                          ";", ":", "=", "'", "\n", "-", "9" * 5_000, "null"]) + text[first:],
            text[:first],
        ])  # fmt: skip
    return text


def test_each_of_many_damaged_files_is_a_graph_or_a_short_message(tmp_path):
    graph = CausalGraph.from_text('A, "B c" -> D; "é.-" -> A; "q\\"u"')
    texts = dict(MORE)
    for form in FORMS:
        write_graph(graph, tmp_path / f"graph{form}")
        texts[f"{form}*"] = (tmp_path / f"graph{form}").read_text(encoding="utf-8")
    graphs = 0
    for number in range(300):
        source = random.Random(number)
        form, text = source.choice(list(texts.items()))
        text = mutated(text, source)
        path = tmp_path / f"damaged{form.rstrip('*')}"
        path.write_text(text, encoding="utf-8")
        for read, what in ((read_graph, path), (load_graph, text)):
            try:
                found = read(what)
                graphs += 1
                assert CausalGraph.from_text(found.to_text()) == found
            except InputError as problem:
                assert len(str(problem)) <= 300, (number, text)
    assert graphs > 20
