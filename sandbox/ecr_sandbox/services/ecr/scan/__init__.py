"""Image scans: what is in an image, and which known vulnerabilities that has. The most of it is loaded by a scan.

rules.py        which images are scanned, how, and when
begin.py        a scan begins: at a push, by hand, or because rules or advisories have changed
scanner.py      the job: all of the following for one image
unpacked.py     the bytes of a layer, unpacked while they are read
layers.py       the file system that an image's layers make
packages.py     the operating system and the packages that its files tell of
versions.py     which of two versions is the newer one: dpkg's order, apk's, PEP 440's, npm's
advisories.py   what is known of packages: a dated snapshot in OSV's form
match.py        the packages that an advisory affects
severity.py     how bad that is
outside.py      trivy or grype instead, for whoever asks for one
results.py      what came out, as rows of the store
shapes.py       the same as ECR answers it (the operations: ecr/scan_api.py)
refresh.py      newer advisories from OSV
"""
