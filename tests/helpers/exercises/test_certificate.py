"""The certificate shows which points are met, with their evidence, as text and as a table."""

import re

from helpers import course
from helpers.exercises import capstone, certificate
from helpers.exercises.certificate import Line

EVIDENCE = "demo-mine is <IMMUTABLE>"
ALL = [Line(number, True, EVIDENCE) for number in capstone.POINTS]
SOME = [Line(number, number == "1", EVIDENCE if number == "1" else "there is no … yet. Hint: notebook 03.")
        for number in capstone.POINTS]  # fmt: skip
ENTRY = capstone.Entry("demo-mine", ("1.0.0", "1.1.0"), "demo-pusher", "demo-puller")


class Place:
    target, account, region = "sandbox", "123456789012", "us-east-1"


def test_a_certificate_needs_every_point():
    assert certificate.title(ALL, Place, ENTRY)[0] == "Certificate: demo-mine 1.0.0 and 1.1.0"
    assert certificate.title(SOME, Place, ENTRY)[0] == "Not yet a certificate: demo-mine 1.0.0 and 1.1.0"


def test_the_claims_of_a_met_point_are_listed():
    assert certificate.sums(SOME)[:2] == ["1 of 8 points are met", "claims behind them: C5 C9 C19 C20"]
    assert certificate.sums(ALL)[1].endswith("C28 C29 C30")
    assert certificate.sums([Line(each.number, False, "") for each in ALL])[1] == "claims behind them: none yet"


def test_every_claim_belongs_to_a_point_or_is_listed_as_not_asked_for():
    met, others = (set(re.findall(r"\bC\d+", line)) for line in certificate.sums(ALL)[1:])
    assert met | others == {each["key"] for each in course.all_claims()}
    assert met & others == set()


def test_the_text_has_the_evidence_or_what_is_missing_and_no_hint():
    text = certificate.text(("Not yet", "here"), SOME)
    assert f"✔ 1 {capstone.POINTS['1'].title}\n       {EVIDENCE}\n       claims C5 C9 C19 C20\n" in text
    assert f"✗ 2 {capstone.POINTS['2'].title}\n       missing: there is no … yet\n✗ 3" in text
    assert "notebook 03." not in text


def test_the_html_table_is_accessible():
    html = certificate.html(("Not <yet>", "here"), SOME)
    assert html.count('<th scope="row"') == 8
    assert html.count('<th scope="col"') == 4
    assert "<caption><b>Not &lt;yet&gt;</b>" in html
    assert "demo-mine is &lt;IMMUTABLE&gt;" in html
    assert not re.search(r"color|<script|<img", html)


def test_no_certificate_before_the_names_are_entered(monkeypatch, capsys):
    monkeypatch.setattr(capstone, "_entry", capstone.Entry("", (), "", ""))
    certificate.show()
    assert capsys.readouterr().out.startswith("✗ there is nothing to certify: the names are not complete")
