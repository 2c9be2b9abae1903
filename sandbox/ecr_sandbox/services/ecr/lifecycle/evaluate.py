"""Which images a lifecycle policy selects, and by which rule: decided from the policy, the images and the time.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html, "Lifecycle policy evaluation
rules": every rule evaluates all images; the rules are then applied by priority; an image whose tags a rule matches
belongs to that rule, even if the rule does not select it, and no rule of lower priority can select it.

Where that page says nothing, these are our choices:

- No rule selects an image while an index lists it (the page: it "cannot be expired or archived
  without the manifest list being deleted or archived first"), and it is not counted either: of 26
  images, two of them listed by an index, a rule to keep 20 selected four (tried on AWS in 2026,
  https://github.com/DefangLabs/pulumi-defang/pull/466). Others saw AWS preview such images, too.
- An artifact whose subject exists, for example a signature, is not evaluated. It is selected with its subject, by the
  same rule and in the same run; AWS takes up to 24 hours. The page says only that it follows.
- Older means more than the number of days: an image of exactly that age stays (``lifecycle_policy_examples.html``,
  "Filtering on all images", example B). Of two images of the same second the one stored first is older.
- The age of a restored image counts from its restore; the page says so for the order of images.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .policy import ANY, ARCHIVE, COUNT, EXPIRE, PULLED, STANDARD, TRANSITION, UNTAGGED, Rule

DAY = 24 * 60 * 60
Tags = Collection[str]


@dataclass(frozen=True)
class Image:
    """An image as the rules see it; times in Unix seconds, None for never.

    *activated_at* is the end of its restore; *children* are the digests that an index lists.
    """

    digest: str
    tags: tuple[str, ...] = ()
    pushed_at: float = 0
    pulled_at: float | None = None
    archived_at: float | None = None
    activated_at: float | None = None
    storage_class: str = STANDARD
    children: tuple[str, ...] = ()
    subject: str | None = None

    @property
    def since(self) -> float:
        """When it got its storage class: pushed, archived, or restored."""
        moved = self.archived_at if self.storage_class == ARCHIVE else self.activated_at
        return self.pushed_at if moved is None else moved

    @property
    def used(self) -> float:
        """When it was last pulled, or else ``since``."""
        return self.since if self.pulled_at is None else max(self.pulled_at, self.activated_at or 0)


@dataclass(frozen=True)
class Verdict:
    """The action on an image, ``expire`` or ``transition``, and the priority of its rule."""

    action: str
    priority: int


def evaluate(rules: Iterable[Rule], images: Sequence[Image], now: float) -> dict[str, Verdict]:
    """The verdict on each selected image, by digest, older images first; the others stay.

    *images* are all images of a repository, in the order they were stored.
    """
    here = {image.digest for image in images}
    by_age = sorted(images, key=lambda image: image.since)
    held = _held(images)
    verdicts: dict[str, Verdict] = {}
    claimed: set[str] = set()
    for rule in sorted(rules, key=lambda rule: rule.priority):
        matches = _matcher(rule)
        own = [image for image in by_age if image.storage_class == rule.storage_class and matches(image.tags)]
        seen = [image for image in own if image.subject not in here and image.digest not in held[rule.action]]
        for image in _surplus(rule, seen, now):
            if image.digest not in claimed:
                verdicts[image.digest] = Verdict(rule.action, rule.priority)
        claimed |= {image.digest for image in own}
    verdicts |= _followers(images, verdicts, held)
    return {image.digest: verdicts[image.digest] for image in by_age if image.digest in verdicts}


def _surplus(rule: Rule, seen: Sequence[Image], now: float) -> Sequence[Image]:
    """Those of the images *seen*, oldest first, that a rule would select if it were the only one."""
    if rule.count_type == COUNT:
        return seen[: max(len(seen) - rule.number, 0)]
    latest = now - rule.number * DAY
    return [image for image in seen if (image.used if rule.count_type == PULLED else image.since) < latest]


def _matcher(rule: Rule) -> Callable[[Tags], bool]:
    """A function: do the tags of an image match a rule? Each of its prefixes or patterns must match one of them."""
    if rule.tag_status == ANY:
        return lambda tags: True
    if rule.tag_status == UNTAGGED:
        return lambda tags: not tags
    patterns = rule.patterns or [f"{prefix}*" for prefix in rule.prefixes if "*" not in prefix]  # a tag has no *
    if len(patterns) < len(rule.patterns or rule.prefixes):
        return lambda tags: False
    wanted = [re.compile(".*".join(map(re.escape, each.split("*"))), re.DOTALL).fullmatch for each in patterns]
    return lambda tags: bool(tags) and all(any(map(like, tags)) for like in wanted)


def _held(images: Iterable[Image]) -> dict[str, set[str]]:
    """For each action, the digests that indexes protect from it: a child may be archived with its index."""
    listed = {STANDARD: set[str](), ARCHIVE: set[str]()}
    for image in images:
        listed[image.storage_class].update(image.children)
    return {TRANSITION: listed[STANDARD], EXPIRE: listed[STANDARD] | listed[ARCHIVE]}


def _followers(
    images: Iterable[Image], verdicts: Mapping[str, Verdict], held: Mapping[str, Collection[str]]
) -> dict[str, Verdict]:
    """The verdicts on artifacts whose subject is selected, and on artifacts about those."""
    about: dict[str, list[Image]] = {}
    for image in images:
        if image.subject:
            about.setdefault(image.subject, []).append(image)
    found: dict[str, Verdict] = {}
    going = list(verdicts.items()) if about else []
    while going:
        subject, verdict = going.pop()
        for each in about.get(subject, ()):
            is_there = verdict.action == TRANSITION and each.storage_class == ARCHIVE
            if each.digest not in held[verdict.action] and not is_there:
                found[each.digest] = verdict
                going.append((each.digest, verdict))
    return found
