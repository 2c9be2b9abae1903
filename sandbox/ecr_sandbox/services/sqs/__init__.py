"""Amazon SQS: moto's queues, with addresses of this machine, and with long polling that holds up nothing else."""
