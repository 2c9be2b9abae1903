"""Which images a lifecycle policy takes, and by which rule: decided from the policy, the images and the time alone.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html, "Lifecycle policy evaluation
rules": every rule looks at all images; the rules are then applied by priority; an image whose tags a rule matches is
that rule's, also when it is left alone, and no rule of a lower priority may take it.

Where that page is silent, this is a choice:

- An image that an index lists goes with no rule while the index is there (the page: it "cannot be expired or archived
  without the manifest list being deleted or archived first"), and does not count as one of the images either: of 26
  images, two of them listed by an index, a rule to keep 20 took four (tried on AWS in 2026,
  https://github.com/DefangLabs/pulumi-defang/pull/466). Others saw AWS preview such images too.
- An artifact whose subject is there, a signature say, is not looked at by itself. It goes with its subject, by the same
  rule and in the same run; AWS takes up to 24 hours. The page says only that it follows.
- Older means by more than the number of days: an image of exactly that age stays (``lifecycle_policy_examples.html``,
  "Filtering on all images", example B). Of two images of the same second the one stored first is the older.
- An image that came back from the archive is as old as its return, for its age too; the page says so of the order.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .policy import ANY, ARCHIVE, COUNT, EXPIRE, PULLED, STANDARD, TRANSITION, UNTAGGED, Rule

DAY = 24 * 60 * 60
Tags = Collection[str]


@dataclass(frozen=True)
class Image:
    """What the rules look at; times in Unix seconds, None for what never happened.

    *activated_at* is when it came back from the archive; *children* are the digests of what an index lists.
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
        """When it came to where it is: pushed, archived, or back from the archive."""
        moved = self.archived_at if self.storage_class == ARCHIVE else self.activated_at
        return self.pushed_at if moved is None else moved

    @property
    def used(self) -> float:
        """When it was pulled last; if it was not, since it came, when it came."""
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
    """Those of the images *seen*, oldest first, that a rule would take if it were the only one."""
    if rule.count_type == COUNT:
        return seen[: max(len(seen) - rule.number, 0)]
    latest = now - rule.number * DAY
    return [image for image in seen if (image.used if rule.count_type == PULLED else image.since) < latest]


def _matcher(rule: Rule) -> Callable[[Tags], bool]:
    """Whether the tags of an image are what a rule wants: each of its prefixes, or patterns, must match one of them."""
    if rule.tag_status == ANY:
        return lambda tags: True
    if rule.tag_status == UNTAGGED:
        return lambda tags: not tags
    patterns = rule.patterns or [f"{prefix}*" for prefix in rule.prefixes if "*" not in prefix]  # no tag has a *
    if len(patterns) < len(rule.patterns or rule.prefixes):
        return lambda tags: False
    wanted = [re.compile(".*".join(map(re.escape, each.split("*"))), re.DOTALL).fullmatch for each in patterns]
    return lambda tags: bool(tags) and all(any(map(like, tags)) for like in wanted)


def _held(images: Iterable[Image]) -> dict[str, set[str]]:
    """For each action, the digests that indexes hold back from it: into the archive a child may follow its index."""
    listed = {STANDARD: set[str](), ARCHIVE: set[str]()}
    for image in images:
        listed[image.storage_class].update(image.children)
    return {TRANSITION: listed[STANDARD], EXPIRE: listed[STANDARD] | listed[ARCHIVE]}


def _followers(
    images: Iterable[Image], verdicts: Mapping[str, Verdict], held: Mapping[str, Collection[str]]
) -> dict[str, Verdict]:
    """The verdicts on artifacts whose subject goes, and on what is about those."""
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
