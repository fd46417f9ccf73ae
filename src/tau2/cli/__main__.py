"""`python -m tau2.cli` is `tau2`."""

from tau2.cli import main

raise SystemExit(main())
