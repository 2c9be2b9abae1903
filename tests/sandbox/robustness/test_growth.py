"""Operations on 10,000 images cost as much as on 100: counted in SQLite's steps, then measured with real clients.

`make test` compares 100 images with 1,500, `make soak` 100 with 10,000.
"""

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress

import psutil
import pytest

from ecr_sandbox.registry.errors import TagImmutable
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.conftest import Sandbox
from tests.sandbox.robustness.test_many_clients import MANIFEST_TYPE, Client

pytestmark = pytest.mark.soak

FEW = 100
LIMIT = 2  # the largest accepted ratio
HERE = (settings.ACCOUNT, settings.REGION)


def many(soak: bool) -> int:
    return 10_000 if soak else 1_500


def manifest(number: int) -> Manifest:
    """An image of a config and two layers. All images share one of the layers."""
    config, *layers = [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{part:064x}", "size": size}
        for part, size in ((number + 10**6, 10), (number + 1, 1000), (0, 1000))
    ]
    return Manifest.parse(json.dumps({"schemaVersion": 2, "config": config, "layers": layers}), MANIFEST_TYPE)


def fill(store: Store, repository: str, count: int) -> Images:
    """A repository of *count* images; one in ten has no tag."""
    images = Images(store, *HERE, repository)
    with store.change():
        for number in range(count):
            images.put(manifest(number), f"v{number:05}" if number % 10 else None, False)
    return images


@pytest.fixture(scope="module")
def stores(tmp_path_factory, pytestconfig):
    """A store with few images and one with many."""
    folder = tmp_path_factory.mktemp("growth")
    count = many(pytestconfig.getoption("soak"))
    with closing(Store(folder / "few.db")) as small, closing(Store(folder / "many.db")) as large:
        yield (small, fill(small, "app", FEW)), (large, fill(large, "app", count))


def steps(store: Store, act: Callable[[], object]) -> int:
    """The number of instructions that SQLite's virtual machine runs for *act*."""
    taken = 0

    def tick() -> int:
        nonlocal taken
        taken += 1
        return 0

    with store.change():  # everything runs on one connection
        connection = store.read()
        connection.set_progress_handler(tick, 1)
        try:
            act()
        finally:
            connection.set_progress_handler(None, 1)
    return taken


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda images, last: images.put(manifest(10**5), "new", False), id="push"),
        pytest.param(lambda images, last: images.put(manifest(10**5 + 1), "v00001", False), id="move a tag"),
        pytest.param(lambda images, last: images.put(manifest(10**5 + 2), "v00002", True), id="immutable tag"),
        pytest.param(lambda images, last: images.put(manifest(1), "second", False), id="second tag"),
        pytest.param(lambda images, last: images.page(size=50), id="first page"),
        pytest.param(lambda images, last: images.page(after=last - 51, size=50), id="last page"),
        pytest.param(lambda images, last: images.page(size=50, tagged=True), id="first page of tagged ones"),
        pytest.param(lambda images, last: images.ids(size=50), id="first page of ids"),
        pytest.param(lambda images, last: images.ids(after=(last - 51, ""), size=50), id="last page of ids"),
        pytest.param(lambda images, last: images.tags(size=50), id="first page of tags"),
        pytest.param(lambda images, last: images.tags(after="v00050", size=10), id="later page of tags"),
        pytest.param(lambda images, last: images.find(tag="v00003"), id="by tag"),
        pytest.param(lambda images, last: images.find(digest=manifest(5).digest), id="by digest"),
        pytest.param(lambda images, last: images.referrers(manifest(5).digest), id="referrers"),
        pytest.param(lambda images, last: images.index_of(manifest(5).digest), id="index of"),
        pytest.param(lambda images, last: images.use(f"sha256:{3:064x}"), id="use of a layer"),
        pytest.param(lambda images, last: images.untag("v00007"), id="untag"),
        pytest.param(lambda images, last: images.delete(manifest(8).digest), id="delete"),
        pytest.param(lambda images, last: bool(images), id="any"),
    ],
)
def test_an_operation_on_many_images_takes_as_many_steps_as_on_few(stores, act):
    few, more = (steps(store, lambda images=images: run(act, images)) for store, images in stores)
    assert few > 0
    assert more <= LIMIT * few, (few, more)


def run(act: Callable, images: Images) -> None:
    """Call *act* with the newest image's id. The push to an immutable tag is refused, and its steps count too."""
    [(last,)] = images._store.read().execute("SELECT max(id) FROM images").fetchall()
    with suppress(TagImmutable):
        act(images, last)


# --- with real clients ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grown(tmp_path_factory, pytestconfig) -> Sandbox:
    """A sandbox whose repositories ``few`` and ``many`` were filled while it was stopped."""
    sandbox = Sandbox(tmp_path_factory.mktemp("grown"))
    sandbox.popen = subprocess.Popen  # its memory and its starts are measured
    sandbox.start()
    for name in ("few", "many"):
        sandbox.client().create_repository(repositoryName=name)
    sandbox.stop()
    with closing(Store(sandbox.state / "state.db")) as store:
        fill(store, "few", FEW)
        fill(store, "many", many(pytestconfig.getoption("soak")))
    yield sandbox.start()
    assert sandbox.stop() == 0


def median_of(act: Callable[[str, int], object], times: int = 11) -> tuple[float, float]:
    """Median seconds of *act* on both repositories, in turn, so that a busy machine slows both."""
    seconds: dict[str, list[float]] = {"few": [], "many": []}
    for turn in range(times):
        for name, taken in seconds.items():
            begun = time.perf_counter()
            act(name, turn)
            taken.append(time.perf_counter() - begun)
    return statistics.median(seconds["few"]), statistics.median(seconds["many"])


def test_a_push_takes_as_long_as_with_few_images(grown):
    client = Client(grown, grown.basic())
    few, more = median_of(lambda name, turn: client.push(name, f"new-{turn}", f"{name} {turn}".encode()))
    assert more <= LIMIT * few


def test_a_page_of_describe_images_takes_as_long_as_with_few_images(grown):
    ecr = grown.client()
    few, more = median_of(lambda name, _: ecr.describe_images(repositoryName=name, maxResults=50))
    assert more <= LIMIT * few


def test_many_images_are_listed_with_little_memory(grown, soak):
    pages = (
        grown.client()
        .get_paginator("describe_images")
        .paginate(repositoryName="many", PaginationConfig={"PageSize": 1000})
    )
    digests = [image["imageDigest"] for page in pages for image in page["imageDetails"]]
    assert {manifest(number).digest for number in range(many(soak))} <= set(digests)
    assert len(digests) == len(set(digests))
    assert psutil.Process(grown.process.pid).memory_info().rss < 200e6


@pytest.mark.usefixtures("program")
def test_the_sandbox_starts_as_fast_as_without_images(grown, own_sandbox):
    own_sandbox.start()  # the first start makes the state
    seconds: dict[Sandbox, list[float]] = {grown: [], own_sandbox: []}
    for _ in range(3):
        for sandbox, taken in seconds.items():
            sandbox.stop()
            taken.append(sandbox.start().processor_seconds())
    assert statistics.median(seconds[grown]) <= LIMIT * statistics.median(seconds[own_sandbox])


def test_a_push_writes_as_much_as_with_few_images(grown):
    client = Client(grown, grown.basic())
    written = {}
    for name in ("few", "many"):
        before = psutil.Process(grown.process.pid).io_counters().write_chars
        client.push(name, "measured", f"measured {name}".encode())
        written[name] = psutil.Process(grown.process.pid).io_counters().write_chars - before
    assert 0 < written["many"] <= LIMIT * written["few"]
