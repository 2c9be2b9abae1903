"""The severity of a vulnerability: ECR's, and the CVSS 3 score.

"Amazon ECR uses the severity for a CVE from the upstream distribution source if available. Otherwise, the CVSS score
is used" (user guide, "Scan images for OS vulnerabilities"); the severities of scores are NVD's. Without either it is
UNDEFINED ("Troubleshooting image scanning").
"""

import math
import re

ORDER = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
# The severities of databases, and ECR's. Debian's "not yet assigned" is none.
SEVERITIES = {
    "critical": "CRITICAL",
    "high": "HIGH",
    "important": "HIGH",
    "medium": "MEDIUM",
    "moderate": "MEDIUM",
    "low": "LOW",
    "minor": "LOW",
    "negligible": "INFORMATIONAL",
    "unimportant": "INFORMATIONAL",
}
CVSS3 = re.compile(r"CVSS:3\.[01]/(.+)")
# CVSS v3.1 specification, section 7.4, "Metric Values".
WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    **{impact: {"H": 0.56, "L": 0.22, "N": 0.0} for impact in "CIA"},
}
PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def severity(word: str, vector: str) -> str:
    """ECR's severity for a database's *word* and a CVSS *vector*; both may be empty."""
    return SEVERITIES.get(word.lower()) or _of_score(base_score(vector))


def base_score(vector: str) -> float | None:
    """The base score of a CVSS 3 vector, 0.0 to 10.0; None for any other.

    Source: https://www.first.org/cvss/v3.1/specification-document, section 7.1.
    """
    found = CVSS3.fullmatch(vector)
    metrics = dict(part.split(":", 1) for part in found[1].split("/") if ":" in part) if found else {}
    try:
        weight = {name: values[metrics[name]] for name, values in WEIGHTS.items()}
        privileges = PRIVILEGES[metrics["S"]][metrics["PR"]]
    except KeyError:
        return None
    impact_base = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = metrics["S"] == "C"
    impact = 7.52 * (impact_base - 0.029) - 3.25 * (impact_base - 0.02) ** 15 if changed else 6.42 * impact_base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _round_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _round_up(value: float) -> float:
    """Appendix A, "Floating Point Rounding"."""
    tenths = round(value * 100_000)
    return tenths / 100_000 if tenths % 10_000 == 0 else (math.floor(tenths / 10_000) + 1) / 10


def _of_score(score: float | None) -> str:
    """NVD's ratings: https://nvd.nist.gov/vuln-metrics/cvss."""
    if score is None:
        return "UNDEFINED"
    for word, least in (("CRITICAL", 9.0), ("HIGH", 7.0), ("MEDIUM", 4.0), ("LOW", 0.1)):
        if score >= least:
            return word
    return "INFORMATIONAL"
