"""`python -m tests.bench.torch`: see tables."""

from importlib.util import find_spec

if find_spec("torch") is None:
    print("torch is missing, so nothing is run beside it.")
else:
    from .tables import main

    main()
