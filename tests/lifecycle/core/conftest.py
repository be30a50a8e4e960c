"""Property tests do not look for the smallest example while mutants are run: failing is enough."""

import os

from hypothesis import Phase, settings

# The runner of mutants (docs/mutation.md) names in this variable the mutant that is on.
if "MUTANT_UNDER_TEST" in os.environ:
    settings.register_profile("mutants", settings.default, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")
