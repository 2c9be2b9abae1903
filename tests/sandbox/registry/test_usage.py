"""The meter counts storage, data transfer and scans, and the bill is calculated from them."""

import json
import threading
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.registry import usage_periods
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import OCI, Manifest, digest_of
from ecr_sandbox.registry.usage import GB, Meter, Usage
from ecr_sandbox.services.cost_explorer.bill_lines import lines, usage_type
from ecr_sandbox.state.store import Store
from tests.sandbox.api import TAR, index

NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
DECEMBER = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86400
ME = "123456789012"
HERE = (ME, "us-east-1", "app")


class Clock:
    def __init__(self, now=NOVEMBER):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("meter") / "state.db"


@pytest.fixture(scope="module")
def store(path):
    store = Store(path)
    yield store
    store.close()


def empty(store):
    """A meter without usage, and its clock."""
    clock = Clock()
    meter = Meter(store, clock)
    with store.change() as db:
        for table in ("meter_kept", "meter_archived", "meter_counts", "images", "blobs"):
            db.execute(f"DELETE FROM {table}")
    return meter, clock


@pytest.fixture
def metered(store):
    return empty(store)


def digest(name):
    return digest_of(name.encode())


def images(store, meter, repository="app"):
    return Images(store, ME, "us-east-1", repository, partial(meter.changed, ME, "us-east-1", repository))


def push(store, meter, layers, config="c", repository="app"):
    """Push an image of *layers* (names and sizes in bytes) and a config of 10 bytes; its digest."""
    about, *parts = [
        {"mediaType": TAR, "digest": digest(name), "size": size} for name, size in [(config, 10), *layers.items()]
    ]
    content = {"schemaVersion": 2, "config": about, "layers": parts}
    return images(store, meter, repository).put(Manifest.parse(json.dumps(content), OCI), None, False).digest


def stored_bytes(meter, clock, *names):
    """The bytes that each repository stores, as the meter counts them in the next second."""
    since = clock.now
    clock.now += 1
    used = meter.usage(since, clock.now, ME, ("repository",))
    return [used[(name,)].byte_seconds if (name,) in used else 0 for name in names]


def test_a_gigabyte_stored_for_a_month_is_a_gb_month(metered):
    meter, clock = metered
    meter.stored(*HERE, GB)
    clock.now = DECEMBER
    assert meter.usage(NOVEMBER, DECEMBER, ME) == {(): Usage(GB * 30 * DAY, pytest.approx(1.0))}


def test_a_month_of_31_days_is_one_gb_month_too(metered):
    meter, clock = metered
    meter.stored(*HERE, GB)
    clock.now = DECEMBER + 31 * DAY
    used = meter.usage(NOVEMBER, clock.now, ME, ("month",))
    assert {key: round(usage.gb_months, 9) for key, usage in used.items()} == {(NOVEMBER,): 1, (DECEMBER,): 1}


def test_future_storage_is_not_counted(metered):
    meter, clock = metered
    meter.stored(*HERE, 100)
    assert meter.usage(NOVEMBER, DECEMBER, ME) == {}
    clock.now += 7
    assert meter.usage(NOVEMBER, DECEMBER, ME)[()].byte_seconds == 700


def test_a_layer_that_two_images_share_is_counted_once(store, metered):
    meter, clock = metered
    push(store, meter, {"base": 1000, "a": 5}, config="ca")
    push(store, meter, {"base": 1000, "b": 7}, config="cb")
    assert stored_bytes(meter, clock, "app") == [1000 + 5 + 7 + 10 + 10]


def test_a_layer_in_two_repositories_is_counted_twice(store, metered):
    meter, clock = metered
    push(store, meter, {"base": 1000})
    push(store, meter, {"base": 1000}, repository="other")
    assert stored_bytes(meter, clock, "app", "other") == [1010, 1010]


def test_an_index_has_no_size_of_its_own(store, metered):
    meter, clock = metered
    child = push(store, meter, {"a": 4})
    images(store, meter).put(Manifest.parse(json.dumps(index(child)), None), "latest", False)
    assert stored_bytes(meter, clock, "app") == [14]


def test_deleting_an_image_stops_counting_its_unshared_layers(store, metered):
    meter, clock = metered
    one = push(store, meter, {"base": 1000, "a": 5}, config="ca")
    two = push(store, meter, {"base": 1000, "b": 7}, config="cb")
    images(store, meter).delete(one)
    assert stored_bytes(meter, clock, "app") == [1000 + 7 + 10]
    images(store, meter).delete(two)
    assert stored_bytes(meter, clock, "app") == [0]


def test_deleting_every_image_stops_counting(store, metered):
    meter, clock = metered
    push(store, meter, {"a": 90})
    images(store, meter).delete()
    assert stored_bytes(meter, clock, "app") == [0]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.booleans()), max_size=12))
def test_after_any_pushes_and_deletions_the_meter_counts_the_stored_blobs(store, history):
    """The expected value counts the layers and configs of the stored images, each once."""
    meter, clock = empty(store)
    sizes, stored = {"a": 1, "b": 20, "c": 300}, {}
    for one, other, pushed in history:
        if pushed and (one, other) not in stored:
            layers = {name: sizes[name] for name in (one, other)}
            stored[one, other] = push(store, meter, layers, config=f"config {one}{other}")
        elif not pushed and (one, other) in stored:
            images(store, meter).delete(stored.pop((one, other)))
    expected = sum(sizes[name] for name in set("".join("".join(pair) for pair in stored))) + 10 * len(stored)
    assert stored_bytes(meter, clock, "app") == [expected]


def test_a_rolled_back_push_is_not_counted(store, metered):
    meter, clock = metered
    with pytest.raises(OSError), store.change():
        meter.stored(*HERE, 1000)
        raise OSError
    clock.now += 10
    assert meter.usage(NOVEMBER, DECEMBER, ME) == {}


def test_the_last_change_of_a_second_counts_and_one_row_is_written(store, metered):
    meter, clock = metered
    for size in (5, 50, 500, 7):
        meter.stored(*HERE, size)
    clock.now += 1
    meter.stored(*HERE, 7)
    clock.now += 1
    assert meter.usage(NOVEMBER, DECEMBER, ME)[()].byte_seconds == 14
    [rows] = store.read().execute("SELECT count(*) FROM meter_kept").fetchone()
    assert rows == 1


def test_a_clock_that_moves_back_adds_no_usage(metered):
    meter, clock = metered
    clock.now = NOVEMBER + 100
    meter.stored(*HERE, 10)
    clock.now = NOVEMBER + 50
    meter.stored(*HERE, 0)
    clock.now = NOVEMBER + 200
    assert meter.usage(NOVEMBER, DECEMBER, ME) == {}


def test_usage_survives_a_restart(path, store, metered):
    meter, clock = metered
    meter.stored(*HERE, 10)
    meter.pulled(*HERE)
    again = Store(path)
    clock.now += 1
    assert Meter(again, clock).usage(NOVEMBER, DECEMBER, ME)[()] == Usage(10, pytest.approx(0, abs=1e-9), 0, 0, 1)
    again.close()


def test_pulls_and_bytes_out_are_counted_by_region_and_destination(metered):
    meter, _ = metered
    meter.pulled(*HERE)
    meter.sent(*HERE, 100)
    meter.sent(*HERE, 30, "region")
    meter.sent(ME, "eu-west-1", "app", 5)
    meter.sent("111122223333", "us-east-1", "app", 1)
    used = meter.usage(NOVEMBER, DECEMBER, ME, ("region",))
    assert used == {("us-east-1",): Usage(0, 0, 100, 30, 1), ("eu-west-1",): Usage(0, 0, 5, 0, 0)}


def test_usage_of_another_account_is_not_counted(metered):
    meter, clock = metered
    meter.stored(*HERE, 3)
    meter.stored("111122223333", "us-east-1", "app", 1000)
    clock.now += 1
    assert meter.usage(NOVEMBER, DECEMBER, ME)[()].byte_seconds == 3


def test_a_thousand_pulls_in_an_hour_are_two_rows(store, metered):
    meter, clock = metered
    for _ in range(1000):
        meter.pulled(*HERE)
        meter.sent(*HERE, 1)
        clock.now += 3
    [rows] = store.read().execute("SELECT count(*) FROM meter_counts").fetchone()
    assert rows == 2
    assert meter.usage(NOVEMBER, DECEMBER, ME)[()] == Usage(0, 0, 1000, 0, 1000)


def test_concurrent_writers_lose_no_usage(metered):
    meter, _ = metered
    writers = [threading.Thread(target=lambda: [meter.sent(*HERE, 2) for _ in range(50)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert meter.usage(NOVEMBER, DECEMBER, ME)[()].internet == 400


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda meter: meter.stored(*HERE, -1), "-1 bytes"),
        (lambda meter: meter.sent(*HERE, -1), "-1 bytes"),
        (lambda meter: meter.sent(*HERE, 1, "moon"), "'moon'"),
        (lambda meter: meter.replicated(*HERE, -1, "eu-west-1"), "-1 bytes"),
        (lambda meter: meter.restored(*HERE, -1), "-1 bytes"),
        (lambda meter: meter.usage(0, 1, ME, ("day", "price")), "by price"),
    ],
)
def test_invalid_usage_is_refused(metered, act, message):
    with pytest.raises(ValueError, match=message):
        act(metered[0])


def test_archived_bytes_are_included_in_stored_bytes(metered):
    meter, clock = metered
    meter.stored(*HERE, 10 * GB)
    meter.archived(*HERE, 4 * GB)
    clock.now = DECEMBER
    used = meter.usage(NOVEMBER, DECEMBER, ME)[()]
    assert (used.gb_months, used.archived_gb_months) == (pytest.approx(10), pytest.approx(4))
    meter.restored(*HERE, GB)  # one image is restored, and another archived one is deleted
    meter.archived(*HERE, -GB)
    meter.changed(*HERE, -GB)
    clock.now = DECEMBER + 31 * DAY
    used = meter.usage(DECEMBER, clock.now, ME)[()]
    assert (used.gb_months, used.archived_gb_months) == (pytest.approx(9), pytest.approx(2))
    assert used.retrieved == GB


def test_scans_and_replication_are_counted_by_destination(metered):
    meter, _ = metered
    meter.scanned(*HERE, first=True)
    meter.scanned(*HERE, first=False)
    meter.scanned(*HERE, first=False)
    meter.replicated(*HERE, 100, "eu-west-1")
    meter.replicated(*HERE, 20, "us-west-2")
    meter.replicated(*HERE, 3, "us-west-2")
    used = meter.usage(NOVEMBER, DECEMBER, ME, ("to",))
    assert used == {
        ("",): Usage(scans=1, rescans=2),
        ("eu-west-1",): Usage(replicated=100),
        ("us-west-2",): Usage(replicated=23),
    }
    assert meter.usage(NOVEMBER, DECEMBER, ME)[()].replicated == 123


# Events of a history: seconds since the last event, repository, kind of event, and bytes.
events = st.tuples(
    st.integers(0, 40 * HOUR),
    st.sampled_from(["app", "other"]),
    st.sampled_from(["stored", "sent", "pulled"]),
    st.integers(0, 10**12),
)
histories = st.lists(events, max_size=12)


def play(store, history):
    meter, clock = empty(store)
    for wait, repository, what, amount in history:
        clock.now += wait
        if what == "pulled":
            meter.pulled(ME, "us-east-1", repository)
        else:
            getattr(meter, what)(ME, "us-east-1", repository, amount)
    clock.now += HOUR
    return meter, clock


def total(used):
    return sum(used.values(), Usage())


@given(history=histories)
def test_usage_is_never_negative(store, history):
    meter, clock = play(store, history)
    for usage in meter.usage(NOVEMBER, clock.now, ME, ("day", "repository")).values():
        assert min(usage.byte_seconds, usage.gb_months, usage.internet, usage.region, usage.pulls) >= 0


@given(history=histories, cuts=st.lists(st.integers(0, 600), max_size=4), by=st.sampled_from(["hour", "day", "month"]))
def test_usage_of_parts_adds_up_to_the_whole(store, history, cuts, by):
    meter, clock = play(store, history)
    end = max(clock.now, NOVEMBER + 600 * HOUR)
    edges = sorted({NOVEMBER, end, *(NOVEMBER + cut * HOUR for cut in cuts)})
    parts = [total(meter.usage(since, until, ME, (by,))) for since, until in pairwise(edges)]
    whole, summed = total(meter.usage(NOVEMBER, end, ME)), sum(parts, Usage())
    assert (whole.byte_seconds, whole.internet, whole.pulls) == (summed.byte_seconds, summed.internet, summed.pulls)
    assert whole.gb_months == pytest.approx(summed.gb_months)


@given(history=histories, more=st.integers(1, 10**12))
def test_storing_more_never_counts_less(store, history, more):
    def counted(extra):
        grown = [(w, r, what, n + extra if what == "stored" else n) for w, r, what, n in history]
        meter, clock = play(store, grown)
        return total(meter.usage(NOVEMBER, clock.now, ME)).byte_seconds

    assert counted(more) >= counted(0)


@given(
    history=st.lists(st.tuples(st.sampled_from(["app", "other"]), st.integers(0, 10**9)), max_size=8), seed=st.randoms()
)
def test_the_order_of_pulls_does_not_matter(store, history, seed):
    def counted(order):
        meter, _ = empty(store)
        for repository, amount in order:
            meter.sent(ME, "us-east-1", repository, amount)
        return meter.usage(NOVEMBER, DECEMBER, ME, ("repository",))

    shuffled = list(history)
    seed.shuffle(shuffled)
    assert counted(shuffled) == counted(history)


@given(history=histories)
def test_usage_equals_a_direct_calculation(store, history):
    meter, clock = play(store, history)
    now, stored, expected = NOVEMBER, {"app": 0, "other": 0}, 0
    for wait, repository, what, amount in history:
        now += wait
        expected += sum(stored.values()) * wait
        if what == "stored":
            stored[repository] = amount
    expected += sum(stored.values()) * HOUR
    assert total(meter.usage(NOVEMBER, clock.now, ME)).byte_seconds == expected


# ── time and prices ─────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 4 * 10**9), st.integers(1, 400 * DAY), st.sampled_from(usage_periods.UNITS))
def test_periods_cover_a_time_without_gaps_and_each_is_in_one_unit(start, length, unit):
    if unit == "hour":
        length %= 50 * HOUR
    found = list(usage_periods.pieces(start, start + length, unit))
    edges = [start, *(until for _, until in found)]
    assert [since for since, _ in found] == edges[:-1]
    assert edges[-1] == start + length
    assert all(usage_periods.begin(since, unit) == usage_periods.begin(until - 1, unit) for since, until in found)


@pytest.mark.parametrize(
    ("day", "count", "then"),
    [("2026-11-23", 14, "2025-09-23"), ("2026-01-05", 1, "2025-12-05"), ("2026-03-31", 1, "2026-02-01")],
)
def test_months_before(day, count, then):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC, hour=13).timestamp()
    assert datetime.fromtimestamp(usage_periods.months_before(at, count), UTC).date().isoformat() == then


def test_the_price_of_storage(metered):
    meter, clock = metered
    meter.stored(*HERE, 20 * GB)
    clock.now = DECEMBER
    [line] = lines(meter, ME, NOVEMBER, DECEMBER, "month")
    assert (line.usage_type, line.unit, line.repository) == ("TimedStorage-ByteHrs", "GB-Mo", "app")
    assert (line.quantity, line.usd) == (pytest.approx(20), pytest.approx(2.0))


def test_only_the_first_hundred_gigabytes_of_each_month_are_free(metered):
    meter, clock = metered
    for when in (NOVEMBER, NOVEMBER + DAY, DECEMBER):
        clock.now = when
        meter.sent(*HERE, 100 * GB)
    costs = [
        round(line.usd, 9) for line in sorted(lines(meter, ME, NOVEMBER, DECEMBER + DAY, "day"), key=lambda x: x.at)
    ]
    assert costs == [0, 9.0, 0]


def test_pulls_and_replication_inside_the_region_are_free(metered):
    meter, _ = metered
    meter.sent(*HERE, 500 * GB, "region")
    meter.replicated(*HERE, 500 * GB, "us-east-1")
    assert lines(meter, ME, NOVEMBER, DECEMBER, "month") == []


def priced(meter, start=NOVEMBER, end=DECEMBER):
    """The lines of a month: usage type → quantity and dollars."""
    found = lines(meter, ME, start, end, "month")
    return {line.usage_type: (round(line.quantity, 6), round(line.usd, 6)) for line in found}


def test_scans_are_billed_per_image_and_the_first_scan_costs_more(metered):
    meter, _ = metered
    for first in (True, False, False):
        meter.scanned(*HERE, first=first)
    meter.scanned(ME, "eu-west-1", "app", first=True)
    assert priced(meter) == {
        "ECR-InitialScan": (1, 0.09),
        "ECR-Rescan": (2, 0.02),
        "EU-ECR-InitialScan": (1, 0.09),
    }
    assert {line.service for line in lines(meter, ME, NOVEMBER, DECEMBER, "month")} == {"Amazon Inspector"}


def test_the_price_of_replication_depends_on_the_destination(metered):
    meter, _ = metered
    meter.replicated(*HERE, 10 * GB, "eu-west-1")
    meter.replicated(*HERE, 10 * GB, "us-east-2")
    meter.replicated(ME, "eu-west-1", "app", 5 * GB, "us-east-1")
    assert priced(meter) == {
        "USE1-EU-AWS-Out-Bytes": (10, 0.2),
        "USE1-USE2-AWS-Out-Bytes": (10, 0.1),
        "EU-USE1-AWS-Out-Bytes": (5, 0.1),
    }


def test_archived_storage_is_cheaper_beyond_150_terabytes_and_retrieval_costs(metered):
    meter, clock = metered
    meter.stored(*HERE, 200_000 * GB)
    meter.archived(*HERE, 200_000 * GB)
    clock.now = DECEMBER
    meter.restored(*HERE, 100 * GB)
    archived = 153_600 * 0.10 + (200_000 - 153_600) * 0.07
    assert priced(meter) == {"USE1-TimedStorage-Archive-ByteHrs": (200_000, pytest.approx(archived))}
    assert priced(meter, DECEMBER, DECEMBER + HOUR)["USE1-Retrieval-Archive"] == (100, 3.0)


@given(
    sent=st.lists(
        st.tuples(st.integers(0, 30 * HOUR), st.sampled_from(["us-east-1", "eu-west-1"]), st.integers(1, 9000 * GB)),
        max_size=8,
    ),
    day=st.integers(1, 20),
)
def test_the_total_is_the_same_for_every_granularity(store, sent, day):
    meter, clock = empty(store)
    for wait, region, amount in sent:
        clock.now += wait
        meter.sent(ME, region, "app", amount)
    middle = NOVEMBER + day * DAY

    def usd(start, end, unit):
        found = lines(meter, ME, start, end, unit)
        assert all(line.usd >= 0 and start <= line.at < end for line in found)
        return sum(line.usd for line in found)

    whole = usd(NOVEMBER, DECEMBER, "month")
    for unit in usage_periods.UNITS:
        assert usd(NOVEMBER, middle, unit) + usd(middle, DECEMBER, unit) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("us-east-1", "TimedStorage-ByteHrs"),
        ("us-west-2", "USW2-TimedStorage-ByteHrs"),
        ("eu-central-1", "EUC1-TimedStorage-ByteHrs"),
        ("mx-central-1", "mx-central-1-TimedStorage-ByteHrs"),
    ],
)
def test_a_usage_type_starts_with_its_region_code(region, name):
    assert usage_type(region, "TimedStorage-ByteHrs") == name
