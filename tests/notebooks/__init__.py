"""The course, checked: its notebooks run, compare, and say what they promise."""
