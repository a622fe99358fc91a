"""Which ports containers get."""

from local_cloud.sagemaker.ports import PORTS, Ports


def test_containers_that_start_at_the_same_time_have_ports_of_their_own():
    ports = Ports(is_free=lambda port: True)

    taken = [ports.take() for _ in range(1000)]

    assert len(set(taken)) == 1000
    assert set(taken) <= set(PORTS)


def test_a_port_that_something_has_is_not_handed_out():
    ports = Ports(is_free=lambda port: port % 100 == 7)

    assert all(ports.take() % 100 == 7 for _ in range(20))
