"""The bill in Cost Explorer: what the usage meter counted, with AWS's prices."""
