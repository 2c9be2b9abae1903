"""Tests of the notebooks: they run, their outputs are compared, and they follow the rules of the course."""
