"""Lifecycle policies: their grammar, evaluation, previews and daily runs.

    policy.py     parses and validates the text of a policy
    evaluate.py   decides which images the rules select
    images.py     reads what the rules need from the store
    schedule.py   when a policy runs: within a day, and then every day
    apply.py      a run: deletes or archives the selected images in one change
    previews.py   stores the result of an evaluation
    errors.py     ECR's errors

The operations are in ``../lifecycle_api.py``.
"""
