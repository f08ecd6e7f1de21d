import pytest
from campaign import FAULTS, attempt
from trials import Ground

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return Ground(tmp_path_factory.mktemp("ground"))


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.short], ids=lambda fault: fault.name)
def test_a_fault_ends_in_recovery_or_in_a_message(fault, ground):
    if fault.prevented():
        pytest.skip(fault.prevented())
    tried = attempt(fault, fault.short, 0, ground)
    assert not tried.failures, "\n".join(tried.failures)
    assert tried.endings.total() == fault.short
