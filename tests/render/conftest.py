from ..laws.conftest import anew

__all__ = ["anew"]
