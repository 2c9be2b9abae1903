"""Which images a lifecycle policy takes, and by which rule: decided from the policy, the images and the time alone.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html, "Lifecycle policy evaluation
rules": every rule looks at all images; the rules are then applied by priority; an image whose tags a rule matches is
that rule's, also when it is left alone, and no rule of a lower priority may take it.

Where that page is silent, this is a choice:

- An image that an index here lists goes with no rule while the index is here (there: it "cannot be expired or archived
  without the manifest list being deleted or archived first"), and is not counted either: of 26 images, two of them in
  an index, a rule to keep 20 took 4 (https://github.com/DefangLabs/pulumi-defang/pull/466, tried on AWS in 2026).
- An artifact whose subject is here (a signature, say) is not looked at by itself. It goes with its subject, by the
  same rule and in the same run; AWS takes up to 24 hours.
- Older means by more than the number of days: by exactly that many, an image stays (``lifecycle_policy_examples.html``,
  "Filtering on all images", example B). Of two images pushed in one second the one stored first is the older.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from .policy import ANY, ARCHIVE, COUNT, PULLED, STANDARD, TAGGED, TRANSITION, TRANSITIONED, Rule

DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Image:
    """What the rules look at; times in Unix seconds, None for what never happened.

    *activated_at* is when it came back from the archive; *children* are the digests of the images that an index lists.
    """

    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: float = 0
    pulled_at: float | None = None
    activated_at: float | None = None
    archived_at: float | None = None
    storage_class: str = STANDARD
    children: tuple[str, ...] = ()
    subject: str | None = None

    @property
    def since(self) -> float:
        """When it came: it was pushed, or restored from the archive after that."""
        return self.pushed_at if self.activated_at is None else self.activated_at

    @property
    def last_used(self) -> float:
        """When it was pulled last, unless it was restored since; else when it came."""
        return self.since if self.pulled_at is None else max(self.pulled_at, self.activated_at or 0)


@dataclass(frozen=True)
class Verdict:
    """What happens to an image, ``expire`` or ``transition``, and the priority of the rule that says so."""

    action: str
    priority: int


def evaluate(rules: Iterable[Rule], images: Sequence[Image], now: float) -> dict[str, Verdict]:
    """The verdict on each image that goes, by its digest, older images first; who is not named, stays.

    *images* are all of a repository, in the order they were stored.
    """
    verdicts: dict[str, Verdict] = {}
    claimed: set[str] = set()
    by_age = sorted(_independent(images), key=lambda image: image.since)
    for rule in sorted(rules, key=lambda rule: rule.priority):
        seen = [image for image in by_age if image.storage_class == rule.storage_class and _has_tags_of(rule, image)]
        verdict = Verdict(rule.action, rule.priority)
        verdicts |= {image.digest: verdict for image in _too_many_or_old(rule, seen, now) if image.digest not in claimed}
        claimed |= {image.digest for image in seen}
    return _oldest_first({**verdicts, **_followers(images, verdicts)}, images)


def _too_many_or_old(rule: Rule, seen: Sequence[Image], now: float) -> Sequence[Image]:
    """Those of the images *seen*, oldest first, that a rule would take if it were the only one."""
    if rule.count_type == COUNT:
        return seen[: max(len(seen) - rule.number, 0)]
    return [image for image in seen if now - _counted_from(rule, image) > rule.number * DAY]


def _counted_from(rule: Rule, image: Image) -> float:
    if rule.count_type == TRANSITIONED:
        return image.since if image.archived_at is None else image.archived_at
    return image.last_used if rule.count_type == PULLED else image.since


# --- which images a rule is about -------------------------------------------------------------------------------------


def _has_tags_of(rule: Rule, image: Image) -> bool:
    """Each of a rule's prefixes or patterns must match a tag of the image."""
    if rule.tag_status == ANY:
        return True
    if rule.tag_status != TAGGED or not image.tags:
        return (rule.tag_status == TAGGED) == bool(image.tags)
    if rule.prefixes:
        return all(any(tag.startswith(prefix) for tag in image.tags) for prefix in rule.prefixes)
    return all(any(map(_like(pattern), image.tags)) for pattern in rule.patterns)


@cache
def _like(pattern: str) -> Callable[[str], bool]:
    """``*`` stands for any number of characters; every other character for itself."""
    matches = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch
    return lambda tag: matches(tag) is not None


def _independent(images: Sequence[Image]) -> Iterable[Image]:
    """The images that rules may take by themselves."""
    here = {image.digest for image in images}
    listed = {STANDARD: set[str](), ARCHIVE: set[str]()}
    for image in images:
        listed[image.storage_class] |= set(image.children)
    for image in images:
        # What only archived indexes list may follow them into the archive; out of it, it may not.
        kept = listed[STANDARD] if image.storage_class == STANDARD else listed[STANDARD] | listed[ARCHIVE]
        if image.subject not in here and image.digest not in kept:
            yield image


def _followers(images: Sequence[Image], verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """The verdicts on artifacts whose subject goes, and on theirs."""
    about: dict[str, list[Image]] = {}
    for image in images:
        if image.subject:
            about.setdefault(image.subject, []).append(image)
    found, going = {}, list(verdicts.items())
    while going:
        subject, verdict = going.pop()
        for each in about.get(subject, ()):
            there = verdict.action == TRANSITION and each.storage_class == ARCHIVE
            if each.digest not in verdicts and each.digest not in found and not there:
                found[each.digest] = verdict
                going.append((each.digest, verdict))
    return found


def _oldest_first(verdicts: Mapping[str, Verdict], images: Sequence[Image]) -> dict[str, Verdict]:
    by_age = sorted(images, key=lambda image: image.since)
    return {image.digest: verdicts[image.digest] for image in by_age if image.digest in verdicts}
