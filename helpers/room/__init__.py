"""The room: a page that shows a teacher where the learners are. ``ecr-lab room``, ``ecr-lab join``, ``ecr-lab leave``.

``message.py`` is what a learner sends, ``sharing.py`` sends it from the learner's machine. On the teacher's machine
``server.py`` receives it, ``learners.py`` keeps it, ``views.py`` counts, and ``settings.py`` holds what stays after a
restart. Nothing is sent by a learner who has not joined.
"""
