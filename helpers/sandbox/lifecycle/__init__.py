"""Lifecycle policies: what a policy may say, which images it takes, and how that is previewed and done.

    policy.py      the grammar: a policy's text, checked and read
    evaluate.py    the rules: which image goes, and by which rule
    images.py      what a rule needs to know of each image, read from the store
    sweep.py       the doing: what a policy takes is deleted or archived, in one change
    daily.py       when: within a day of the policy, and then every day
    previews.py    the same evaluation, kept to be looked at
    words.py       ECR's refusals

The operations themselves are in ``../ecr/lifecycle_api.py``.
"""
