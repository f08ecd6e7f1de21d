"""What all tests share: float64, as the step runner switches it on."""

import jax

jax.config.update("jax_enable_x64", True)
