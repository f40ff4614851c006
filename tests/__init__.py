"""The contract: helpers, notebooks, prose, figures and the door, as tests."""
