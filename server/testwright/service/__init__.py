"""The service: one request in, one result out, events all along. Command line and editors stand on it."""

from testwright.service.delivery import Deliver, write_to_disk
from testwright.service.generation import UnitTestGenerationService
from testwright.service.job import GenerateRequest
from testwright.service.result import Delivered, MeasureResult, ModuleCoverage, RunResult

__all__ = [
    "Deliver",
    "Delivered",
    "GenerateRequest",
    "MeasureResult",
    "ModuleCoverage",
    "RunResult",
    "UnitTestGenerationService",
    "write_to_disk",
]
