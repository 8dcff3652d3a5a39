"""What being generic costs: Fairlead measured against the same work written by hand.

`python -m bench` runs everything and prints the table; `README.md` says what is measured and how.
"""
