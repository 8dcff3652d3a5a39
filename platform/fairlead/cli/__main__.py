"""`python -m fairlead.cli`."""

from fairlead.cli import main

main()
