"""Amazon EC2: moto's networks, which tasks need, without addresses outside of this machine."""
