"""Networks as data over the registry: shapes, counts and conditions for all sizes of the input at once."""

from .architectures import ARCHITECTURES, network
from .model import Memory, Network
from .table import NetworkTable

__all__ = ["ARCHITECTURES", "Memory", "Network", "NetworkTable", "network"]
