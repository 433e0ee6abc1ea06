"""Names the STIX best practices that packages depart from, as stix-validator judges them.

Reads a JSON array of packages on stdin; answers with a JSON array of arrays of warnings. Apart from the
schema check, because stix-validator's warnings have no text of their own: it is put together here.
"""

import io
import json
import sys

from sdv.validators import STIXBestPracticeValidator

validator = STIXBestPracticeValidator()


def find_warnings(package):
    results = validator.validate(io.BytesIO(package.encode("utf-8")))
    for collection in results.errors:
        for warning in collection:
            for fact in [warning.get("message"), *warning.get("missing", [])]:
                if fact:
                    yield f"{collection.name}: {fact}"
            if not warning.get("message") and not warning.get("missing"):
                yield collection.name


packages = json.load(sys.stdin)
json.dump([sorted(set(find_warnings(package))) for package in packages], sys.stdout)
