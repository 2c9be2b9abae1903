"""The exercises *Broken, repair it*: ``prepare("04.2")`` breaks something, ``check("04.2")`` looks whether it works.

``helpers/data/broken.json`` has the kinds of each exercise and their texts. A module per topic has their code: for
each kind one function that breaks the state and one that says what is still wrong.
"""

from .tasks import prepare, solution

__all__ = ["prepare", "solution"]
