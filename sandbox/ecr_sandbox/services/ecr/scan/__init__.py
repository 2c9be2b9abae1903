"""Image scans: the packages of an image and their known vulnerabilities. The first scan loads most of it.

rules.py               which images are scanned, how, and when
triggers.py            what starts a scan: a push, a call, changed rules or advisories
scanner.py             the job: scans one image
process.py             the process that reads and compares what the image contains
limits.py              what that may cost
worker.py              this process: it uses the following
layer_reader.py        decompresses a layer while it is read
tar_members.py         the files in a layer
layers.py              the file system of an image's layers
packages.py            the operating system and the packages in its files
versions.py            the order of versions: dpkg's, apk's, PEP 440's, npm's
advisories.py          known vulnerabilities: a dated snapshot in OSV's format
match.py               the packages that an advisory affects
severity.py            ECR's severity, and the CVSS score
external_scanners.py   trivy or grype instead, if configured
results.py             the results as rows of the store
findings.py            the results as ECR's API answers them (the operations: ../scan_api.py)
refresh.py             newer advisories from OSV
"""
