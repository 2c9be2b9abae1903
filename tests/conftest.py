"""Settings of all tests."""

import hypothesis

# A slow machine is no failure.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")
