"""The service: one request in, one report out, events all along. Command line and editors stand on it."""

from testwright.service.generation import UnitTestGenerationService
from testwright.service.job import GenerateRequest

__all__ = ["GenerateRequest", "UnitTestGenerationService"]
