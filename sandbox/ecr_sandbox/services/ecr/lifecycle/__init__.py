"""Lifecycle policies: what a policy may say, which images it takes, and how that is previewed and done.

    policy.py     the grammar: a policy's text, checked and read
    evaluate.py   the rules: which images go, and by which rule
    images.py     what the rules look at, read from the store
    daily.py      when: within a day of the policy, and then every day
    sweep.py      the doing: what a policy takes is deleted or archived, in one change
    previews.py   the same evaluation, kept to be looked at
    words.py      ECR's refusals

The operations themselves are in ``../ecr/lifecycle_api.py``.
"""
