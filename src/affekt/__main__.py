"""`python -m affekt`."""

from affekt.cli import main

main()
