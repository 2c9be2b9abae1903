"""Image scans: what is in an image, and which known vulnerabilities that has. Loaded by the first scan.

rules.py        which images are scanned, how, and when
layers.py       the file system that an image's layers make, read as a stream
packages.py     the operating system and the packages that its files tell of
versions.py     which of two versions is the newer one: dpkg's order, apk's, PEP 440's, npm's
advisories.py   what is known of packages: a dated snapshot in OSV's form
severity.py     how bad that is
match.py        the packages that an advisory affects
outside.py      trivy or grype instead, for whoever asks for one
scanner.py      the job: all of that for one image
results.py      what came out, as rows of the store
shapes.py       the same as ECR answers it
refresh.py      newer advisories from OSV
"""
