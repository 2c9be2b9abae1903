"""The file system of layers by the OCI image-spec, read as a stream."""

import gzip
import io
import os
import tarfile
import tracemalloc
from collections.abc import Mapping
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.scan import layers, limits
from ecr_sandbox.services.ecr.scan.layers import Tree, read
from ecr_sandbox.services.ecr.scan.limits import TooMuch

KEPT = {"etc/a", "etc/b", "etc/sub/c", "etc/sub/deep/d", "opt/a"}


def want(path: str):
    return (lambda file: [(file.read().decode("latin-1"),)]) if path in KEPT else None


def tar(files: Mapping[str, bytes | None], links: Mapping[str, tuple[bytes, str]] | None = None) -> bytes:
    """A layer with these *files* (None is a directory) and then *links*: their type and target."""
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as out:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size = len(content or b"")
            out.addfile(entry, BytesIO(content or b""))
        for path, (kind, target) in (links or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = kind, target
            out.addfile(entry)
    return archive.getvalue()


def files_of(*contents: bytes) -> dict[str, bytes]:
    tree = read(((f"sha256:{n}", BytesIO(content)) for n, content in enumerate(contents)), want)
    return {path: kept.content[0][0].encode("latin-1") for path, kept in tree.files.items()}


LOWER = {"etc/a": b"a1", "etc/b": b"b1", "etc/sub/c": b"c1", "etc/sub/deep/d": b"d1"}
CASES = {
    "a file stays": ({}, LOWER),
    "a file is replaced": ({"etc/a": b"a2"}, {**LOWER, "etc/a": b"a2"}),
    "a file is deleted": ({"etc/.wh.a": b""}, {name: LOWER[name] for name in LOWER if name != "etc/a"}),
    "a directory is deleted, with all in it": ({"etc/.wh.sub": b""}, {"etc/a": b"a1", "etc/b": b"b1"}),
    "all is deleted": ({".wh.etc": b""}, {}),
    "an opaque directory hides what was below": ({"etc/sub/.wh..wh..opq": b""}, {"etc/a": b"a1", "etc/b": b"b1"}),
    "a whiteout spares what is in its own layer": (
        {"etc/sub/c": b"c2", "etc/.wh.sub": b"", "etc/sub/.wh..wh..opq": b""},
        {"etc/a": b"a1", "etc/b": b"b1", "etc/sub/c": b"c2"},
    ),
    "a file covers a whole directory": ({"etc/sub": b"a file now"}, {"etc/a": b"a1", "etc/b": b"b1"}),
    "a directory covers nothing": ({"etc/sub": None}, LOWER),
    "a path may begin with ./": (
        {"./etc/.wh.a": b"", "./etc/b": b"b2"},
        {**{n: LOWER[n] for n in LOWER if n != "etc/a"}, "etc/b": b"b2"},
    ),
    "a whiteout of what is not there": ({"opt/.wh.a": b"", "opt/.wh..wh..opq": b""}, LOWER),
    "a name that only begins alike": ({"etc/.wh.su": b""}, LOWER),
}


@pytest.mark.parametrize(("upper", "left"), CASES.values(), ids=CASES)
def test_a_second_layer_changes_the_first(upper, left):
    assert files_of(tar(LOWER), tar(upper)) == left


def test_a_deleted_file_can_be_added_again():
    assert files_of(tar(LOWER), tar({".wh.etc": b""}), tar({"etc/a": b"a3"})) == {"etc/a": b"a3"}


def test_each_file_has_the_layer_it_comes_from():
    tree = read([("sha256:lower", BytesIO(tar(LOWER))), ("sha256:upper", BytesIO(tar({"etc/a": b"a2"})))], want)
    assert (tree.files["etc/a"].layer, tree.files["etc/b"].layer) == ("sha256:upper", "sha256:lower")


def test_a_hard_link_has_the_content_of_its_target():
    layer = tar({"etc/a": b"a1"}, {"etc/b": (tarfile.LNKTYPE, "etc/a"), "opt/a": (tarfile.SYMTYPE, "/etc/a")})
    assert files_of(layer) == {"etc/a": b"a1", "etc/b": b"a1"}


def test_a_link_replaces_a_file():
    assert "etc/a" not in files_of(tar(LOWER), tar({}, {"etc/a": (tarfile.SYMTYPE, "/dev/null")}))


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda tar: gzip.compress(tar[:700]) + gzip.compress(tar[700:]) + bytes(9)]
)
def test_layers_can_be_compressed_also_in_several_frames(pack):
    assert files_of(pack(tar(LOWER))) == LOWER


@pytest.mark.parametrize(
    "content",
    [
        b"no tar at all, but long enough to be one" * 50,
        gzip.compress(tar(LOWER))[:-20],
        b"\x1f\x8bbroken" * 100,
        b"(\xb5/\xfd a layer in zstd",
        tar(LOWER)[:700],
    ],
    ids=["no tar", "cut off", "no gzip", "zstd", "tar cut off"],
)
def test_an_unreadable_layer_is_an_error(content):
    with pytest.raises(layers.Unreadable, match="sha256:0"):
        files_of(content)


def test_an_image_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(limits, "BYTES", 20_000)
    with pytest.raises(TooMuch, match="20000 bytes"):
        files_of(tar({"large": bytes(9_000)}), gzip.compress(tar({"large": bytes(12_000)})))


def test_an_image_with_too_many_package_files_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(limits, "KEPT_BYTES", 3 * (limits.PACKAGE + 20))
    assert files_of(
        tar({"etc/a": b"a", "etc/b": b"b"}), tar({"etc/a": b"a", "etc/b": b"b"})
    )  # only what is there counts
    with pytest.raises(TooMuch, match="bytes about packages"):
        files_of(tar(LOWER))


def test_memory_does_not_grow_with_a_layer():
    """A layer of 200 MB of zeros and 20,000 other files, read in a few hundred KB of memory."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as out:
        for number in range(20_000):
            out.addfile(tarfile.TarInfo(f"usr/share/{number}"))
        large = tarfile.TarInfo("large")
        large.size = 200_000_000
        out.addfile(large, _Zeros())
    packed.seek(0)
    tracemalloc.start()
    Tree().add("sha256:0", packed, want)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


def test_a_name_that_claims_to_be_huge_is_not_read_into_memory():
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1_000_000_000
    bomb = BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as packed:
        packed.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(100):
            packed.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(TooMuch, match="claim to have"):
        files_of(bomb.getvalue())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


def test_deep_paths_are_merged_quickly():
    """2,000 files, each 2,000 directories deep, and as many whiteouts: all of their directories would take 8 GB."""
    deep = "a/" * 2_000
    lower = tar({f"{deep}{number}": b"" for number in range(2_000)})
    upper = tar({f"{deep}.wh.{number}": b"" for number in range(2_000)})
    tracemalloc.start()
    tree = read([("0", BytesIO(lower)), ("1", BytesIO(upper))], lambda path: lambda file: [(path[-5:],)])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tree.files == {}
    assert most < 60_000_000


class _Zeros(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        return bytes(size)


NAMES = st.sampled_from(
    ["etc", "etc/a", "etc/sub", "etc/sub/c", "etc/.wh.a", "etc/.wh.sub", "etc/.wh..wh..opq", ".wh.etc"]
)


@given(st.lists(st.dictionaries(NAMES, st.one_of(st.none(), st.binary(max_size=3)), max_size=4), max_size=4))
def test_merged_layers_are_the_same_as_layers_applied_one_by_one(contents):
    """The reference applies one layer at a time, by the rules of the specification."""
    assert files_of(*map(tar, contents)) == _by_the_book(contents)


def _by_the_book(contents: list[dict[str, bytes | None]]) -> dict[str, bytes]:
    there: dict[str, bytes] = {}
    for content in contents:
        for path in content:
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                there = {each: there[each] for each in there if not each.startswith(f"{folder}/")}
            elif name.startswith(".wh."):
                gone = os.path.join(folder, name[4:])
                there = {each: there[each] for each in there if each != gone and not each.startswith(f"{gone}/")}
            elif content[path] is not None:
                there = {each: there[each] for each in there if not each.startswith(f"{path}/")}
        there |= {path: value for path, value in content.items() if path in KEPT and value is not None}
    return there
