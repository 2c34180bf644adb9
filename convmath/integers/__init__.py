"""Facts about floors, guards and sizes: obligations, their certificates, and the checker that rechecks them."""
